//! Networks on a real engine, beyond the suite.

use std::collections::HashMap;

use bollard::models::NetworkCreateRequest;
use landfall_core::label::Scope;
use landfall_deploy::ports::{
    ContainerRequest, Engine as _, EngineErrorKind, NetworkRequest, Status,
};

use crate::support::{Corner, in_corner, place, until};

#[test]
fn two_at_once_make_one_network() {
    in_corner("once", async |corner| {
        let request = corner.network("net", 0);
        let make = || corner.engine.create_network(&request);
        let (a, b, c) = tokio::join!(make(), make(), make());
        assert_eq!((a, b, c), (Ok(()), Ok(()), Ok(())));
        assert_eq!(corner.engine.networks(&corner.app).await.unwrap().len(), 1);
    });
}

#[test]
fn a_strangers_network_is_neither_taken_nor_removed() {
    in_corner("foreign", async |corner| {
        let request = corner.network("net", 0);
        // Our test's label, so that it is cleaned up, but not landfall's labels as a whole.
        let label = ("landfall.app".to_owned(), corner.app.to_string());
        let foreign = NetworkCreateRequest {
            name: request.name.clone(),
            labels: Some(HashMap::from([label])),
            ..NetworkCreateRequest::default()
        };
        corner.docker.create_network(foreign).await.unwrap();
        let error = corner.engine.create_network(&request).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Conflict, "{error}");
        let error = corner.engine.remove_network(&request.name).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Conflict, "{error}");
        assert_eq!(corner.engine.networks(&corner.app).await, Ok(vec![]));
    });
}

#[test]
fn aliases_are_found_by_neighbours_and_only_on_their_network() {
    in_corner("alias", async |corner| {
        let (near, far) = (corner.network("near", 0), corner.network("far", 1));
        for network in [&near, &far] {
            corner.engine.create_network(network).await.unwrap();
        }
        let mut db = corner.container("db", "exec httpd -f -p 80 -h /etc");
        db.attachments = vec![place(&far, 5)];
        corner.run(&db).await;
        let mut link = place(&near, 5);
        link.aliases = vec!["db".into(), "database".into()];
        corner.engine.connect(&db.name, &link).await.unwrap();

        let line =
            "for n in db database; do wget -q -O /dev/null http://$n/passwd && echo $n; done";
        let mut web = corner.container("web", line);
        web.restart = false;
        web.attachments = vec![place(&near, 6)];
        corner.run(&web).await;
        let asked = async || {
            let said = corner.engine.last_logs(&web.name, 5).await.unwrap();
            said == ["db", "database"]
        };
        until("it found both names", asked).await;
    });
}

/// A database that runs on the first of two networks.
async fn database(corner: &Corner) -> (ContainerRequest, NetworkRequest, NetworkRequest) {
    let (stays, goes) = (corner.network("stays", 0), corner.network("goes", 1));
    for network in [&stays, &goes] {
        corner.engine.create_network(network).await.unwrap();
    }
    let mut db = corner.container("db", "exec sleep 600");
    db.labels.scope = Scope::App;
    db.attachments = vec![place(&stays, 5)];
    corner.run(&db).await;
    (db, stays, goes)
}

/// The networks that a container lists.
async fn listed(corner: &Corner, container: &ContainerRequest) -> Vec<String> {
    let seen = corner.inspect(&container.name).await;
    seen.network_settings.unwrap().networks.unwrap().into_keys().collect()
}

#[test]
fn a_database_starts_without_a_network_that_is_no_more() {
    in_corner("lost", async |corner| {
        let (db, stays, goes) = database(corner).await;
        corner.engine.connect(&db.name, &place(&goes, 5)).await.unwrap();
        corner.docker.stop_container(&db.name, None).await.unwrap();
        // As a hand does it, or an engine that was killed half-way.
        corner.docker.remove_network(&goes.name).await.unwrap();
        let refused = corner.docker.start_container(&db.name, None).await.unwrap_err();
        assert!(refused.to_string().contains("not found"), "{refused}");
        corner.engine.start(&db.name).await.unwrap();
        assert_eq!(listed(corner, &db).await, [stays.name]);
    });
}

#[test]
fn a_join_that_the_engine_refused_leaves_nothing_in_the_way_of_a_start() {
    in_corner("refused", async |corner| {
        let (db, stays, goes) = database(corner).await;
        let mut other = corner.container("other", "exec sleep 600");
        other.attachments = vec![place(&goes, 5)];
        corner.run(&other).await;
        let taken = corner.engine.connect(&db.name, &place(&goes, 5)).await.unwrap_err();
        assert_eq!(taken.kind, EngineErrorKind::Conflict, "{taken}");
        // It can be joined all the same, and be refused again.
        corner.engine.connect(&db.name, &place(&goes, 6)).await.unwrap();
        corner.engine.disconnect(&db.name, &goes.name).await.unwrap();
        corner.engine.connect(&db.name, &place(&goes, 5)).await.unwrap_err();
        corner.engine.disconnect(&db.name, &goes.name).await.unwrap();
        corner.engine.remove(&other.name).await.unwrap();
        corner.engine.remove_network(&goes.name).await.unwrap();
        corner.docker.restart_container(&db.name, None).await.unwrap();
        assert_eq!(listed(corner, &db).await, [stays.name]);
    });
}

#[test]
fn what_does_not_stay_up_joins_nothing_and_leaves_in_truth() {
    in_corner("limbo", async |corner| {
        let (first, second) = (corner.network("first", 0), corner.network("second", 1));
        for network in [&first, &second] {
            corner.engine.create_network(network).await.unwrap();
        }
        let mut db = corner.container("db", "sleep 1; exit 1");
        db.attachments = vec![place(&first, 5)];
        corner.run(&db).await;
        corner.engine.connect(&db.name, &place(&second, 5)).await.unwrap();
        let restarting = async || {
            let seen = corner.engine.status(&db.name).await.unwrap().unwrap();
            seen.status == Status::Restarting
        };
        until("it is between two starts", restarting).await;
        corner.engine.disconnect(&db.name, &second.name).await.unwrap();
        let seen = corner.inspect(&db.name).await;
        let networks = seen.network_settings.unwrap().networks.unwrap();
        assert_eq!(networks.into_keys().collect::<Vec<_>>(), [first.name]);
        until("the engine waits for longer between starts", async || {
            restarting().await && {
                let joined = corner.engine.connect(&db.name, &place(&second, 5)).await;
                joined.is_err_and(|error| error.message.contains("does not stay up"))
            }
        })
        .await;
    });
}
