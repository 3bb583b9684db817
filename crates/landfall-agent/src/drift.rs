//! What differs between the serving release and what is there. It only looks.
//!
//! What should be there is read off the plan of the rollout that brought the release: it names every
//! container, network, address and route. Stateful containers that older rollouts made are known by name
//! and by the revision on their label.

use std::collections::{BTreeMap, BTreeSet};

use landfall_api::{Drift, DriftKind, DriftReport, Mend, Problem};
use landfall_core::id::{AppName, RolloutNumber, ServiceName};
use landfall_core::label::Scope;
use landfall_core::plan::{Attachment, Plan, Step};
use landfall_core::record::Record;
use landfall_core::release::Release;
use landfall_core::spec::Workload;
use landfall_deploy::ports::{Edge, Engine, Files, FoundContainer, Selector, Status};

use crate::agent::Agent;
use crate::ground::{Ground, Store};
use crate::platform::Platform as _;
use crate::problems;
use crate::status::no_app;

mod closer;

/// What should serve, and by which plan.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) rollout: RolloutNumber,
    pub(crate) release: Release,
    pub(crate) plan: Plan,
}

/// A container that should run.
#[derive(Debug)]
struct Should<'a> {
    name: &'a str,
    service: Option<&'a ServiceName>,
    /// `repair` can make it again.
    ours: bool,
    places: Vec<&'a Attachment>,
}

fn drift(
    kind: DriftKind,
    what: impl Into<String>,
    is: impl Into<String>,
    should: impl Into<String>,
    mend: Mend,
) -> Drift {
    Drift { kind, what: what.into(), is: is.into(), should: should.into(), mend }
}

impl<G: Ground> Agent<G> {
    /// What should serve of an app; `None`: nothing.
    pub(crate) async fn wanted(&self, app: &AppName) -> Result<Option<Wanted>, Problem> {
        let Some((since, release)) = self.past(app).await?.serving else { return Ok(None) };
        let journal = self.store.journal(app, since.rollout).await?;
        let first = journal.and_then(|journal| journal.entries.into_iter().next());
        let Some(Record::Began { plan }) = first.map(|entry| entry.record) else {
            return Ok(None);
        };
        Ok(Some(Wanted { rollout: since.rollout, release, plan: *plan }))
    }

    /// Everything that differs.
    pub(crate) async fn drift(&self, app: &AppName) -> Result<DriftReport, Problem> {
        if !self.store.apps().await?.contains(app) {
            return Err(no_app(app));
        }
        let wanted = self.wanted(app).await?;
        let found = self.platform.containers(&Selector::app(app)).await;
        let found = found.map_err(|error| problems::engine(&error))?;
        let mut report = DriftReport {
            app: app.clone(),
            serving: wanted.as_ref().map(|wanted| wanted.release.number),
            rollout: wanted.as_ref().map(|wanted| wanted.rollout),
            findings: Vec::new(),
            unknown: Vec::new(),
        };
        if let Some(lease) = self.leases.held(app) {
            let rollout = lease.of.rollout;
            report
                .unknown
                .push(format!("rollout {rollout} is open: what it makes counts as extra"));
        }
        let shoulds = wanted.as_ref().map(shoulds).unwrap_or_default();
        extra(wanted.as_ref(), &shoulds, &found, &mut report.findings);
        if let Some(wanted) = &wanted {
            self.containers_drift(wanted, &shoulds, &found, &mut report).await?;
            self.networks_drift(wanted, &mut report).await?;
            self.files_drift(wanted, &mut report).await;
        }
        self.routes_drift(app, wanted.as_ref(), &mut report).await;
        Ok(report)
    }

    async fn containers_drift(
        &self,
        wanted: &Wanted,
        shoulds: &[Should<'_>],
        found: &[FoundContainer],
        report: &mut DriftReport,
    ) -> Result<(), Problem> {
        for should in shoulds {
            let what = format!("container {}", should.name);
            let Some(seen) = found.iter().find(|found| found.name == should.name) else {
                let mend = if should.ours { Mend::Repair } else { Mend::Deploy };
                report.findings.push(drift(DriftKind::Missing, what, "missing", "running", mend));
                continue;
            };
            match seen.status {
                Status::Running => {}
                Status::Created | Status::Exited => report.findings.push(drift(
                    DriftKind::Stopped,
                    what.clone(),
                    "stopped",
                    "running",
                    Mend::Repair,
                )),
                Status::Restarting => {
                    let is_mistaken = self.platform.is_mistaken(&seen.id).await;
                    let (is, mend) = if is_mistaken.map_err(|error| problems::engine(&error))? {
                        (
                            "cut off: it runs, and the engine takes it for one that exits",
                            Mend::Repair,
                        )
                    } else {
                        ("exits over and over; `landfall logs` says why", Mend::Person)
                    };
                    let what = what.clone();
                    report.findings.push(drift(DriftKind::Restarting, what, is, "running", mend));
                }
            }
            let revision = should.service.and_then(|service| wanted.release.revision(service));
            if let (Some(own), Some(label)) = (&revision, &seen.labels.revision)
                && own != label
            {
                let (is, own) = (format!("of revision {label}"), format!("of revision {own}"));
                report.findings.push(drift(
                    DriftKind::Changed,
                    what.clone(),
                    is,
                    own,
                    Mend::Deploy,
                ));
            }
            self.places_drift(&what, should, seen, report).await?;
            closer::look(self, wanted, should.service, seen, report).await?;
        }
        Ok(())
    }

    /// Its networks and addresses.
    async fn places_drift(
        &self,
        what: &str,
        should: &Should<'_>,
        seen: &FoundContainer,
        report: &mut DriftReport,
    ) -> Result<(), Problem> {
        if seen.status != Status::Running {
            return Ok(());
        }
        let is_cut_off = self.platform.is_cut_off(&seen.id).await;
        if is_cut_off.map_err(|error| problems::engine(&error))? {
            // What the engine says of its places is of before, or nothing.
            let (is, should) =
                ("on networks that the engine has lost", "on networks of the engine");
            report.findings.push(drift(DriftKind::Network, what, is, should, Mend::Repair));
            return Ok(());
        }
        let status = self.platform.status(&seen.id).await;
        let Some(status) = status.map_err(|error| problems::engine(&error))? else { return Ok(()) };
        for place in &should.places {
            let network = &place.network;
            match (status.addresses.get(network), place.address) {
                (None, wish) => {
                    let address = wish.map(|a| format!(" at {a}")).unwrap_or_default();
                    report.findings.push(drift(
                        DriftKind::Network,
                        what,
                        format!("not on network {network}"),
                        format!("on it{address}"),
                        Mend::Repair,
                    ));
                }
                (Some(is), Some(wish)) if *is != wish => report.findings.push(drift(
                    DriftKind::Network,
                    what,
                    format!("at {is} on network {network}"),
                    format!("at {wish}"),
                    Mend::Deploy,
                )),
                (Some(_), _) => {}
            }
        }
        Ok(())
    }

    async fn networks_drift(
        &self,
        wanted: &Wanted,
        report: &mut DriftReport,
    ) -> Result<(), Problem> {
        let app = wanted.release.app();
        let there = self.platform.networks(app).await.map_err(|e| problems::engine(&e))?;
        let volumes = self.platform.volumes(app).await.map_err(|e| problems::engine(&e))?;
        let volumes: BTreeSet<_> = volumes.iter().map(|volume| volume.name.as_str()).collect();
        for step in &wanted.plan.steps {
            if let Step::CreateNetworks { networks } = step {
                for network in networks {
                    let what = format!("network {}", network.name);
                    match there.iter().find(|seen| seen.name == network.name) {
                        None => report.findings.push(drift(
                            DriftKind::Missing,
                            what,
                            "missing",
                            format!("there with {}", network.subnet),
                            Mend::Repair,
                        )),
                        Some(seen) if seen.subnet.is_some_and(|net| net != network.subnet) => {
                            let is = seen.subnet.map(|net| net.to_string()).unwrap_or_default();
                            let should = network.subnet.to_string();
                            report.findings.push(drift(
                                DriftKind::Changed,
                                what,
                                is,
                                should,
                                Mend::Deploy,
                            ));
                        }
                        Some(_) => {}
                    }
                }
            }
            if let Step::CreateVolumes { volumes: planned } = step {
                let own = planned.iter().filter(|volume| volume.scope == Scope::Release);
                for volume in own.filter(|volume| !volumes.contains(volume.name.as_str())) {
                    let what = format!("volume {} of this release", volume.name);
                    let should = "there, filled by a one-off or from the image";
                    let missing = drift(DriftKind::Missing, what, "missing", should, Mend::Deploy);
                    report.findings.push(missing);
                }
            }
        }
        Ok(())
    }

    async fn files_drift(&self, wanted: &Wanted, report: &mut DriftReport) {
        match self.files.wrong(&wanted.release).await {
            Ok(wrong) => report.findings.extend(wrong.into_iter().map(|path| {
                let what = format!("sealed file {path}");
                let (is, should) = ("missing or changed on disk", "as it was sealed");
                drift(DriftKind::Files, what, is, should, Mend::Repair)
            })),
            Err(error) => report.unknown.push(error.to_string()),
        }
    }

    async fn routes_drift(&self, app: &AppName, wanted: Option<&Wanted>, report: &mut DriftReport) {
        let table = match self.edge.table().await {
            Ok(table) => table,
            Err(error) => {
                report.unknown.push(format!("the edge does not answer: {error}"));
                return;
            }
        };
        let should = wanted.and_then(|wanted| {
            wanted.plan.steps.iter().find_map(|step| match step {
                Step::Cutover { routes } => routes.as_ref(),
                _ => None,
            })
        });
        let what = format!("routes of {app}");
        match (table.apps.get(app), should) {
            (None, Some(_)) => report.findings.push(drift(
                DriftKind::Routes,
                what,
                "the edge has none",
                "those of the serving release",
                Mend::Repair,
            )),
            (Some(part), None) => report.findings.push(drift(
                DriftKind::Routes,
                what,
                format!("the edge serves {}", part.release),
                "none: nothing serves",
                Mend::Person,
            )),
            (Some(part), Some(should)) if part.rollout != should.rollout => {
                report.findings.push(drift(
                    DriftKind::Routes,
                    what,
                    format!("those of {} by {}", part.release, part.rollout),
                    format!("those of {} by {}", should.release, should.rollout),
                    Mend::Person,
                ));
            }
            (Some(part), Some(should)) if part.routes != should.routes => {
                report.findings.push(drift(
                    DriftKind::Routes,
                    what,
                    "other places or endpoints than the plan's",
                    "as the plan has them",
                    Mend::Repair,
                ));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// What should run: replicas of the plan, and the stateful containers that it left in place.
fn shoulds(wanted: &Wanted) -> Vec<Should<'_>> {
    let plan = &wanted.plan;
    let mut links: BTreeMap<&str, Vec<&Attachment>> = BTreeMap::new();
    let mut kept = Vec::new();
    for step in &plan.steps {
        match step {
            Step::LinkStateful { links: all } => {
                for link in all {
                    links.entry(link.container.as_str()).or_default().push(&link.attachment);
                }
            }
            Step::StopOld { keep, .. } => kept.extend(keep.iter().map(String::as_str)),
            _ => {}
        }
    }
    let running = plan.replicas().filter(|replica| replica.workload != Workload::OneOff);
    let mut found: Vec<_> = running
        .map(|replica| {
            let linked = links.get(replica.name.as_str()).into_iter().flatten().copied();
            Should {
                name: &replica.name,
                service: Some(&replica.service),
                ours: true,
                places: replica
                    .attachments
                    .iter()
                    .chain(linked)
                    .filter(|place| plan.keeps_network(&place.network))
                    .collect(),
            }
        })
        .collect();
    for name in kept {
        if found.iter().all(|should| should.name != name) {
            let places = links.get(name).cloned().unwrap_or_default();
            found.push(Should { name, service: None, ours: false, places });
        }
    }
    found
}

/// Containers that should not be there. One-offs of the serving rollout belong to it.
fn extra(
    wanted: Option<&Wanted>,
    shoulds: &[Should<'_>],
    found: &[FoundContainer],
    findings: &mut Vec<Drift>,
) {
    for seen in found {
        let is_wanted = shoulds.iter().any(|should| should.name == seen.name);
        let ran = wanted.is_some_and(|wanted| {
            let one_offs = wanted.plan.replicas().filter(|r| r.workload == Workload::OneOff);
            one_offs.into_iter().any(|replica| replica.name == seen.name)
        });
        if !is_wanted && !ran {
            let (release, rollout) = (seen.labels.release, seen.labels.rollout);
            let what = format!("container {}", seen.name);
            let is = format!("there, of {release} by {rollout}");
            findings.push(drift(DriftKind::Extra, what, is, "not there", Mend::Deploy));
        }
    }
}
