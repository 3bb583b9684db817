//! Subnets that the host routes somewhere: our own must overlap none of them.

use std::io;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Host;

impl Host {
    /// Every route's subnet but the default's.
    pub(crate) fn routed_subnets(&self) -> io::Result<Vec<Ipv4Net>> {
        Ok(parse(&std::fs::read_to_string(self.proc.join("net/route"))?))
    }
}

/// Columns: interface, destination, gateway, flags, …, mask as the eighth; addresses as the
/// word that the kernel has in memory.
fn parse(table: &str) -> Vec<Ipv4Net> {
    let address = |hex: &str| {
        u32::from_str_radix(hex, 16).ok().map(|word| Ipv4Addr::from(word.to_ne_bytes()))
    };
    let route = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let (destination, mask) = (address(columns.get(1)?)?, address(columns.get(7)?)?);
        let net = Ipv4Net::with_netmask(destination, mask).ok()?;
        (net.prefix_len() > 0).then_some(net.trunc())
    };
    table.lines().skip(1).filter_map(route).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let table = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
broken
";
        let expected = ["172.17.0.0/16", "192.168.1.0/24"].map(|net| net.parse().unwrap());
        assert_eq!(parse(table), expected);
    }
}
