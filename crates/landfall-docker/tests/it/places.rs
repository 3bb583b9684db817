//! Networks with wishes, and a container's place on them, on a real engine.

use std::collections::HashMap;

use bollard::models::NetworkCreateRequest;
use ipnet::IpNet;
use landfall_core::spec::{EndpointSpec, Ipam, IpamPool};
use landfall_deploy::ports::{Engine as _, Selector};

use crate::support::{in_corner, place, until};

#[test]
fn a_network_has_the_addresses_that_the_file_asks_for() {
    in_corner("ipam", async |corner| {
        let mut network = corner.network("net", 0);
        let wished = corner.network("wished", 2);
        let nth = |n: u32| std::net::IpAddr::from(place(&wished, n).address.unwrap());
        let range: IpNet = format!("{}/29", nth(16)).parse().unwrap();
        network.spec.ipam = Some(Ipam {
            driver: None,
            options: [].into(),
            pools: vec![IpamPool {
                subnet: Some(IpNet::V4(wished.subnet)),
                ip_range: Some(range),
                gateway: Some(nth(30)),
                aux_addresses: [("printer".to_owned(), nth(16))].into(),
            }],
        });
        network.spec.driver = Some("bridge".into());
        network.spec.attachable = true;
        corner.engine.create_network(&network).await.unwrap();
        let found = corner.engine.networks(&corner.app).await.unwrap();
        assert_eq!(found[0].subnet, Some(wished.subnet));

        let line = "ip route | grep default; ip -4 -o addr show eth0";
        let mut fixed = corner.container("fixed", line);
        fixed.attachments = vec![place(&wished, 3)];
        fixed.attachments[0].network.clone_from(&network.name);
        fixed.attachments[0].endpoint.mac_address = Some("02:42:0a:e7:00:63".into());
        fixed.container.command.as_mut().unwrap()[2].push_str("; cat /sys/class/net/eth0/address");
        let said = corner.said(&fixed).await;
        assert!(said[0].contains(&format!("via {}", nth(30))), "{said:?}");
        assert!(said[1].contains(&format!("{}/", nth(3))), "{said:?}");
        assert_eq!(said[2], "02:42:0a:e7:00:63");

        let mut any = corner.container("any", line);
        any.attachments = vec![place(&wished, 0)];
        any.attachments[0].network.clone_from(&network.name);
        any.attachments[0].address = None;
        let said = corner.said(&any).await;
        let given = said[1].split_whitespace().nth(3).unwrap().split('/').next().unwrap();
        let given: std::net::IpAddr = given.parse().unwrap();
        assert!(range.contains(&given) && given != nth(16), "{said:?}");
    });
}

#[test]
fn a_network_has_ipv6_on_every_engine() {
    in_corner("ipv6", async |corner| {
        let mut network = corner.network("net", 0);
        network.spec.enable_ipv6 = true;
        corner.engine.create_network(&network).await.unwrap();
        let seen = corner.docker.inspect_network(&network.name, None).await.unwrap();
        assert_eq!(seen.enable_ipv6, Some(true));
        let subnets: Vec<_> =
            seen.ipam.unwrap().config.unwrap().into_iter().filter_map(|c| c.subnet).collect();
        assert!(subnets.iter().any(|s| s.starts_with("fd") && s.ends_with("/64")), "{subnets:?}");
        let mut app = corner.container("app", "ip -6 -o addr show eth0 scope global");
        app.attachments = vec![place(&network, 5)];
        let said = corner.said(&app).await;
        assert!(said[0].contains("inet6 fd"), "{said:?}");
    });
}

/// What `TakeNames` does to a candidate on a network that others made.
#[test]
fn names_on_a_foreign_network_come_with_joining_again() {
    in_corner("names", async |corner| {
        let name = corner.name("foreign");
        let label = ("landfall.app".to_owned(), corner.app.to_string());
        let foreign = NetworkCreateRequest {
            name: name.clone(),
            labels: Some(HashMap::from([label])),
            ..NetworkCreateRequest::default()
        };
        corner.docker.create_network(foreign).await.unwrap();
        let mut outside = corner.container("outside", "sleep 99");
        let on_it = landfall_core::plan::Attachment { network: name.clone(), ..Default::default() };
        outside.attachments = vec![on_it.clone()];
        corner.run(&outside).await;

        let own = corner.network("own", 0);
        corner.engine.create_network(&own).await.unwrap();
        let mut web = corner.container("web", "exec httpd -f -p 80 -h /etc");
        web.attachments = vec![place(&own, 5), on_it.clone()];
        corner.run(&web).await;
        let reach = async |host: &str| {
            let line = format!("wget -q -O /dev/null -T 2 http://{host}/passwd");
            let hook = landfall_core::spec::Hook {
                command: ["sh", "-c", &line].map(str::to_owned).to_vec(),
                ..Default::default()
            };
            let limit = std::time::Duration::from_secs(10);
            corner.engine.run_hooks(&outside.name, &[hook], limit).await.unwrap().is_ok()
        };
        assert!(!reach("shop").await, "it has no name there yet");
        for _ in 0..2 {
            let named = landfall_core::plan::Attachment {
                aliases: vec!["shop".into()],
                endpoint: EndpointSpec {
                    links: vec![format!("{}:friend", outside.name)],
                    ..EndpointSpec::default()
                },
                ..on_it.clone()
            };
            corner.engine.disconnect(&web.name, &name).await.unwrap();
            corner.engine.connect(&web.name, &named).await.unwrap();
            until("it answers by name", async || reach("shop").await).await;
        }
        let friend = landfall_core::spec::Hook {
            command: ["nslookup", "friend"].map(str::to_owned).to_vec(),
            ..Default::default()
        };
        let limit = std::time::Duration::from_secs(10);
        let found = corner.engine.run_hooks(&web.name, &[friend], limit).await.unwrap();
        assert_eq!(found, Ok(()), "a link to a container outside of the app");
        assert_eq!(corner.engine.containers(&Selector::app(&corner.app)).await.unwrap().len(), 2);
    });
}
