//! Small subnets from landfall's own pool, clear of everything the host already uses.
//!
//! Docker's default pools run out at about 31 networks; a release network needs a handful of
//! addresses, fixed so that a reboot cannot leave a route pointing at a stranger.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// The pool is used up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no free subnet for {hosts} addresses in the pool {pool}")]
pub struct PoolExhausted {
    /// The pool.
    pub pool: Ipv4Net,
    /// Addresses wanted.
    pub hosts: u32,
}

/// Default pool: 1,024 networks of 62 addresses.
pub fn default_pool() -> Ipv4Net {
    Ipv4Net::new(Ipv4Addr::new(10, 201, 0, 0), 16).expect("a /16 is a valid prefix")
}

/// Smallest subnet handed out.
const PREFIX_MAX: u8 = 26;

/// The first subnet of the pool with room for `hosts` containers that overlaps none of `taken`.
pub fn allocate(pool: Ipv4Net, taken: &[Ipv4Net], hosts: u32) -> Result<Ipv4Net, PoolExhausted> {
    // Network, broadcast and gateway addresses are not for containers.
    let size = u64::from(hosts) + 3;
    let prefix = (pool.prefix_len()..=PREFIX_MAX)
        .rev()
        .find(|prefix| (1_u64 << (32 - prefix)) >= size)
        .ok_or(PoolExhausted { pool, hosts })?;
    pool.subnets(prefix)
        .ok()
        .and_then(|mut subnets| subnets.find(|subnet| taken.iter().all(|t| !overlap(*subnet, *t))))
        .ok_or(PoolExhausted { pool, hosts })
}

/// Whether two subnets share an address.
pub fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// The gateway: the subnet's first address.
pub fn gateway(subnet: Ipv4Net) -> Ipv4Addr {
    address(subnet, 0)
}

/// The address of the `index`-th container, counted from 1; 0 is the gateway.
pub fn address(subnet: Ipv4Net, index: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()) + 1 + index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_avoid_what_is_taken_and_grow_with_need() {
        let pool = default_pool();
        let first = allocate(pool, &[], 4).unwrap();
        assert_eq!(first.to_string(), "10.201.0.0/26");
        let second = allocate(pool, &[first], 4).unwrap();
        assert_eq!(second.to_string(), "10.201.0.64/26");
        let large = allocate(pool, &[first], 200).unwrap();
        assert_eq!(large.to_string(), "10.201.1.0/24");
        let everything: Ipv4Net = "10.0.0.0/8".parse().unwrap();
        assert!(allocate(pool, &[everything], 1).is_err());
        assert!(allocate(pool, &[], 70_000).is_err());
    }

    #[test]
    fn addresses_start_after_the_gateway() {
        let subnet: Ipv4Net = "10.201.0.64/26".parse().unwrap();
        assert_eq!(gateway(subnet).to_string(), "10.201.0.65");
        assert_eq!(address(subnet, 1).to_string(), "10.201.0.66");
    }
}
