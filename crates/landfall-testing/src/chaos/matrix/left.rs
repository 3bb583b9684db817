//! What an engine leaves that cannot write down what it knows, or that ends half-way.

use std::io;

use super::super::cell::Scenario;
use super::super::fault::Requests;
use super::super::outcome::Outcome;
use super::super::table::Table;
use super::super::{half_done, kept_back, lost};
use super::Matrix;

impl Matrix<'_> {
    /// The engine starts on a full disk and loses its containers, before a deploy and in it.
    pub(super) fn lost(&mut self) -> io::Result<Table> {
        let title = "The engine loses its containers";
        let mut table = Table::new(title, "step", &["result".to_owned()]);
        let points = self.learn(Scenario::Upgrade)?;
        let outcome = self.runner.lost_before()?;
        self.left_behind(&mut table, "before the deploy", &outcome);
        for point in self.chosen(&points) {
            if point.is_step && lost::STEPS.iter().any(|step| point.name.starts_with(step)) {
                let outcome = self.runner.lost_at(&point)?;
                self.left_behind(&mut table, &point.name, &outcome);
            }
        }
        Ok(table)
    }

    /// The engine takes containers for ones that restart or run, or joined or made them by half.
    pub(super) fn half_done(&mut self) -> io::Result<Table> {
        let title = "What the engine left half done";
        let mut table = Table::new(title, "what", &["result".to_owned()]);
        for (name, services) in half_done::CASES {
            let outcome = self.runner.mistaken_before(services)?;
            self.left_behind(&mut table, name, &outcome);
        }
        let outcome = self.runner.stray_before()?;
        self.left_behind(&mut table, "an interface left in redis", &outcome);
        let points = self.learn(Scenario::Upgrade)?;
        for point in self.chosen(&points) {
            let (name, outcome) = match point.name.as_str() {
                half_done::JOINS => {
                    ("a join of redis forgotten", self.runner.forgotten_at(&point)?)
                }
                half_done::MAKES => ("a singleton made by half", self.runner.half_made_at(&point)?),
                _ => continue,
            };
            self.left_behind(&mut table, name, &outcome);
        }
        self.kept_back(&mut table, &kept_back::End::ALL)?;
        Ok(table)
    }

    /// Redis ends, and the engine is not told.
    pub(super) fn kept_back(
        &mut self,
        table: &mut Table,
        ends: &[kept_back::End],
    ) -> io::Result<()> {
        let points = self.learn(Scenario::Replace)?;
        for point in self.chosen(&points).iter().filter(|p| p.name == kept_back::REPLACES) {
            for end in ends {
                let outcome = self.runner.kept_back_at(point, *end)?;
                self.left_behind(table, end.title(), &outcome);
            }
        }
        Ok(())
    }

    pub(super) fn left_behind(&mut self, table: &mut Table, name: &str, outcome: &Outcome) {
        table.row(name);
        // To repair it is to start containers again.
        let requests = if outcome.repaired { Requests::MayFail } else { Requests::Hold };
        self.tell(table, name, outcome, requests);
    }
}
