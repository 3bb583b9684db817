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

/// A subnet of the pool with room for `hosts` containers that overlaps none of `taken`.
///
/// The search begins at a place that depends on `name`, so that addresses are not used again at once
/// and two agents on one engine seldom want the same.
pub fn allocate(
    pool: Ipv4Net,
    taken: &[Ipv4Net],
    hosts: u32,
    name: &str,
) -> Result<Ipv4Net, PoolExhausted> {
    // Network, broadcast and gateway addresses are not for containers.
    let size = u64::from(hosts) + 3;
    let exhausted = PoolExhausted { pool, hosts };
    let prefix = (pool.prefix_len()..=PREFIX_MAX)
        .rev()
        .find(|prefix| (1_u64 << (32 - prefix)) >= size)
        .ok_or(exhausted.clone())?;
    let count = 1_u32 << (prefix - pool.prefix_len()).min(31);
    let first = start(name) % count;
    let nth = |n: u32| {
        let offset = ((first + n) % count) << (32 - prefix);
        Ipv4Net::new(Ipv4Addr::from(u32::from(pool.network()) + offset), prefix).ok()
    };
    let is_free = |subnet: &Ipv4Net| taken.iter().all(|t| !overlap(*subnet, *t));
    (0..count).filter_map(nth).find(is_free).ok_or(exhausted)
}

fn start(name: &str) -> u32 {
    let digest = crate::hash::sha256_hex(name.as_bytes());
    u32::from_str_radix(&digest[..7], 16).expect("seven hexadecimal digits")
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
        let first = allocate(pool, &[], 4, "a").unwrap();
        assert_eq!(allocate(pool, &[], 4, "a").unwrap(), first, "the same name, the same place");
        assert_eq!((first.prefix_len(), pool.contains(&first)), (26, true));
        let second = allocate(pool, &[first], 4, "a").unwrap();
        assert!(!overlap(first, second));
        assert_ne!(allocate(pool, &[], 4, "b").unwrap(), first);
        assert_eq!(allocate(pool, &[first], 200, "a").unwrap().prefix_len(), 24);
        let everything: Ipv4Net = "10.0.0.0/8".parse().unwrap();
        assert!(allocate(pool, &[everything], 1, "a").is_err());
        assert!(allocate(pool, &[], 70_000, "a").is_err());
    }

    #[test]
    fn the_last_free_subnet_is_found() {
        let pool: Ipv4Net = "10.201.0.0/24".parse().unwrap();
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.push(allocate(pool, &taken, 10, "x").unwrap());
        }
        assert!(allocate(pool, &taken, 10, "x").is_err());
    }

    #[test]
    fn addresses_start_after_the_gateway() {
        let subnet: Ipv4Net = "10.201.0.64/26".parse().unwrap();
        assert_eq!(gateway(subnet).to_string(), "10.201.0.65");
        assert_eq!(address(subnet, 1).to_string(), "10.201.0.66");
    }
}
