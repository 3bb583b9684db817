//! What three witnesses say of each app: sealed copies, the edge's table, labels. Pure but for the
//! last step, which writes the verdict down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::label::{Labels, Scope, key};
use landfall_core::plan::{Plan, RolloutKind, Step};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::Verdict;
use landfall_core::route::{AppRoutes, RouteTable};

use super::Labelled;
use crate::store::{FoundCopy, Rebuild, StoreError};

/// One app that was found.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) app: AppName,
    pub(super) serving: Option<Serves>,
    pub(super) leftovers: Vec<Labelled>,
    pub(super) remarks: Vec<String>,
    copies: Vec<FoundCopy>,
    /// Numbers that were used, whoever says so.
    releases: BTreeSet<ReleaseNumber>,
    rollouts: BTreeSet<RolloutNumber>,
}

/// What serves, as edge and labels agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Serves {
    pub(super) release: ReleaseNumber,
    pub(super) rollout: RolloutNumber,
    routes: Option<AppRoutes>,
    /// Its sealed copy is there.
    whole: bool,
}

type Copy = (PathBuf, Result<FoundCopy, StoreError>);

/// Everything that is known of each app, and what belongs to none.
pub(super) fn judge(
    copies: Vec<Copy>,
    table: &RouteTable,
    containers: &[Labelled],
) -> (Vec<Case>, Vec<String>) {
    let mut remarks = Vec::new();
    let mut cases: BTreeMap<AppName, Case> = BTreeMap::new();
    for (path, copy) in copies {
        match copy {
            Ok(copy) => case(&mut cases, &copy.sealed.app).copies.push(copy),
            Err(error) => remarks.push(format!("{} is left as it is: {error}", path.display())),
        }
    }
    for app in table.apps.keys() {
        case(&mut cases, app);
    }
    let mut labelled: BTreeMap<AppName, Vec<(Labels, &Labelled)>> = BTreeMap::new();
    for container in containers {
        match Labels::from_map(|key| container.labels.get(key).map(String::as_str)) {
            Some(labels) => {
                case(&mut cases, &labels.app);
                labelled.entry(labels.app.clone()).or_default().push((labels, container));
            }
            None => remarks.push(format!(
                "container {} carries {} but not all of our labels: it is left alone",
                container.name,
                key::APP
            )),
        }
    }
    for (app, case) in &mut cases {
        let containers = labelled.remove(app).unwrap_or_default();
        case.look(table.apps.get(app), &containers);
    }
    (cases.into_values().collect(), remarks)
}

fn case<'c>(cases: &'c mut BTreeMap<AppName, Case>, app: &AppName) -> &'c mut Case {
    cases.entry(app.clone()).or_insert_with(|| Case {
        app: app.clone(),
        serving: None,
        leftovers: Vec::new(),
        remarks: Vec::new(),
        copies: Vec::new(),
        releases: BTreeSet::new(),
        rollouts: BTreeSet::new(),
    })
}

impl Case {
    fn look(&mut self, part: Option<&AppRoutes>, containers: &[(Labels, &Labelled)]) {
        self.releases.extend(self.copies.iter().map(|copy| copy.sealed.number));
        self.rollouts.extend(self.copies.iter().map(|copy| copy.sealed.rollout));
        self.releases.extend(part.map(|part| part.release));
        self.rollouts.extend(part.map(|part| part.rollout));
        self.releases.extend(containers.iter().map(|(labels, _)| labels.release));
        self.rollouts.extend(containers.iter().map(|(labels, _)| labels.rollout));
        let ours: Vec<_> =
            containers.iter().filter(|(labels, _)| labels.scope == Scope::Release).collect();
        let running: BTreeSet<_> = ours
            .iter()
            .filter(|(_, container)| container.running)
            .map(|(labels, _)| (labels.rollout, labels.release))
            .collect();
        self.serving = match part {
            Some(part) => self.agreed(part, &running),
            None => self.by_labels(&running),
        };
        let Some(serving) = &self.serving else { return };
        if !serving.whole {
            self.remarks.push(format!(
                "{} serves, but its sealed copy is not there: it goes on serving until the next \
                 deploy, and cannot be rolled back to",
                serving.release
            ));
            return;
        }
        let others = ours.iter().filter(|(labels, _)| labels.rollout != serving.rollout);
        self.leftovers = others.map(|(_, container)| (*container).clone()).collect();
    }

    /// The edge names a rollout, and containers of just that one run.
    fn agreed(
        &mut self,
        part: &AppRoutes,
        running: &BTreeSet<(RolloutNumber, ReleaseNumber)>,
    ) -> Option<Serves> {
        let of_part: Vec<_> = running.iter().filter(|(of, _)| *of == part.rollout).collect();
        match of_part[..] {
            [(rollout, release)] if *release == part.release => {
                Some(self.serves(*rollout, *release, Some(part.clone())))
            }
            [] => {
                self.remarks.push(format!(
                    "the edge's routes lead to rollout {}, of which no container runs: nothing is \
                     taken to serve",
                    part.rollout
                ));
                None
            }
            _ => {
                self.remarks.push(format!(
                    "the edge says that rollout {} brought {}, its containers say otherwise: \
                     nothing is taken to serve",
                    part.rollout, part.release
                ));
                None
            }
        }
    }

    /// Without routes, what runs alone is what serves.
    fn by_labels(&mut self, running: &BTreeSet<(RolloutNumber, ReleaseNumber)>) -> Option<Serves> {
        match running.iter().collect::<Vec<_>>()[..] {
            [] => None,
            [(rollout, release)] => {
                self.remarks.push("the edge has no routes of it".to_owned());
                Some(self.serves(*rollout, *release, None))
            }
            _ => {
                self.remarks.push(
                    "the edge has no routes of it, and containers of several rollouts run: \
                     nothing is taken to serve"
                        .to_owned(),
                );
                None
            }
        }
    }

    fn serves(
        &self,
        rollout: RolloutNumber,
        release: ReleaseNumber,
        routes: Option<AppRoutes>,
    ) -> Serves {
        let whole = self.copies.iter().any(|copy| copy.sealed.number == release);
        Serves { release, rollout, routes, whole }
    }

    /// What serves, and all of it is known.
    fn known(&self) -> Option<&Serves> {
        self.serving.as_ref().filter(|serving| serving.whole)
    }

    /// Releases that can be rolled back to.
    pub(super) fn stable(&self) -> Vec<ReleaseNumber> {
        let is_known = |number| self.known().is_some_and(|known| known.release == number);
        let stable = self.copies.iter().filter(|copy| copy.served || is_known(copy.sealed.number));
        stable.map(|copy| copy.sealed.number).collect()
    }

    fn highest(&self) -> u32 {
        self.rollouts.last().map_or(0, |rollout| rollout.0)
    }

    /// Above all that was ever seen, and above the rollout that says that nothing serves.
    pub(super) fn next_rollout(&self) -> RolloutNumber {
        let beyond = if self.known().is_some() { 1 } else { 2 };
        RolloutNumber(self.highest().saturating_add(beyond))
    }

    /// Writes all of it: releases, what each rollout came to, and last what serves.
    pub(super) fn write(&self, rebuild: &mut Rebuild) -> Result<(), StoreError> {
        rebuild.app(&self.app, self.next_rollout())?;
        for number in &self.releases {
            let copy = self.copies.iter().find(|copy| copy.sealed.number == *number);
            rebuild.release(&self.app, *number, copy)?;
        }
        let served = |copy: &FoundCopy| if copy.served { Verdict::Succeeded } else { lost() };
        let mut rollouts: BTreeMap<_, _> =
            self.rollouts.iter().map(|number| (*number, (None, lost(), None))).collect();
        for copy in &self.copies {
            let found = (Some(copy.sealed.number), served(copy), None);
            rollouts.insert(copy.sealed.rollout, found);
        }
        let (last, release, routes) = match self.known() {
            Some(known) => (known.rollout, Some(known.release), known.routes.clone()),
            None => (RolloutNumber(self.highest().saturating_add(1)), None, None),
        };
        rollouts.insert(last, (release, Verdict::Succeeded, routes));
        for (number, (release, verdict, routes)) in rollouts {
            // Above what serves nothing can have succeeded.
            let verdict = if number > last { lost() } else { verdict };
            let notes = if number == last { self.remarks.clone() } else { Vec::new() };
            rebuild.rollout(found_plan(&self.app, number, release, routes, notes), verdict)?;
        }
        Ok(())
    }
}

fn lost() -> Verdict {
    let message = "its journal was lost, and it is not known to have served";
    Verdict::RolledBack { reason: Reason::new(ReasonKind::Interrupted, message) }
}

/// Not what was done, but what was found.
fn found_plan(
    app: &AppName,
    rollout: RolloutNumber,
    release: Option<ReleaseNumber>,
    routes: Option<AppRoutes>,
    mut notes: Vec<String>,
) -> Plan {
    notes.insert(0, "recovered: its own journal was lost, and this is what was found".to_owned());
    Plan {
        app: app.clone(),
        rollout,
        kind: RolloutKind::Recovered,
        previous: None,
        release,
        steps: routes.into_iter().map(|routes| Step::Cutover { routes: Some(routes) }).collect(),
        pivot: 0,
        hold: None,
        step_deadline_ms: 0,
        notes,
    }
}
