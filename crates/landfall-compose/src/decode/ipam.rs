//! `ipam` of a network: addresses that the file asks for.

use landfall_core::spec::{Ipam, IpamPool};

use super::keys::Rule::{self, Take};
use super::networks::{NetworkDraft, address};
use super::{Decoder, Keys};
use crate::report::Code;
use crate::yaml::{Entry, Node};

/// The engine's own driver without wishes is what landfall does anyway.
pub(super) fn ipam(d: &mut Decoder<'_>, entry: &Entry, network: &mut NetworkDraft) {
    let mut ipam = Ipam::default();
    d.keys(&entry.value, &IPAM, &mut ipam);
    if ipam != Ipam::default() {
        network.spec.ipam = Some(ipam);
    }
}

const IPAM: Keys<Ipam> = Keys { owner: "`ipam`", rules: IPAM_RULES };
const IPAM_RULES: &[(&str, Rule<Ipam>)] = &[
    ("config", Take(pools)),
    (
        "driver",
        Take(|d, e, i| {
            i.driver = d.text(&e.value).filter(|driver| !matches!(&**driver, "default" | ""));
        }),
    ),
    ("options", Take(|d, e, i| i.options = d.pairs(&e.value))),
];

fn pools(d: &mut Decoder<'_>, entry: &Entry, ipam: &mut Ipam) {
    d.each(&entry.value, |d, item| {
        let errors = d.report.errors_met();
        let mut pool = IpamPool::default();
        d.keys(item, &POOL, &mut pool);
        if pool == IpamPool::default() {
            return;
        }
        if pool.subnet.is_none() && d.report.errors_met() == errors {
            let message = format!("`{}` needs a `subnet` for its addresses", d.here());
            d.report.error(Code::KeyMissing, item.span, message);
        }
        ipam.pools.push(pool);
    });
}

const POOL: Keys<IpamPool> = Keys { owner: "a pool of addresses", rules: POOL_RULES };
const POOL_RULES: &[(&str, Rule<IpamPool>)] = &[
    ("aux_addresses", Take(others)),
    ("gateway", Take(|d, e, p| p.gateway = address(d, &e.value))),
    ("ip_range", Take(|d, e, p| p.ip_range = address(d, &e.value))),
    ("subnet", Take(|d, e, p| p.subnet = address(d, &e.value))),
];

fn others(d: &mut Decoder<'_>, entry: &Entry, pool: &mut IpamPool) {
    for (name, entry) in d.mapping(&entry.value).into_iter().flatten() {
        let node: &Node = &entry.value;
        let address = d.within(&**name, |d| address(d, node));
        pool.aux_addresses.extend(address.map(|address| (name.to_string(), address)));
    }
}
