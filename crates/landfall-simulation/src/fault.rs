//! What goes wrong, where, and how often.

use crate::random::SplitMix;

/// What goes wrong at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Refused without effect; may work later.
    RefuseLater,
    /// Refused without effect, for good.
    RefuseNever,
    /// It had its effect, the answer is lost.
    LoseAnswer,
    /// No answer in time; it has its effect later.
    Late,
    /// The agent dies before the call has an effect.
    CrashBefore,
    /// The agent dies after the call had its effect, before it hears of it.
    CrashAfter,
    /// The agent dies; the call has its effect later all the same.
    CrashLate,
    /// The host loses its power before the effect.
    PowerBefore,
    /// The host loses its power after the effect.
    PowerAfter,
    /// The engine is restarted properly.
    EngineTerm,
    /// The engine is killed.
    EngineKill,
    /// The edge is killed.
    EdgeKill,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::RefuseLater,
        Self::RefuseNever,
        Self::LoseAnswer,
        Self::Late,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::CrashLate,
        Self::PowerBefore,
        Self::PowerAfter,
        Self::EngineTerm,
        Self::EngineKill,
        Self::EdgeKill,
    ];

    /// Place in [`Self::ALL`].
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|fault| *fault == self).unwrap_or(0)
    }

    /// By its name in a report.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| format!("{fault:?}") == text)
    }

    /// Whether a call of this kind can meet it.
    pub fn fits(self, call: Call) -> bool {
        match self {
            Self::RefuseLater | Self::CrashBefore => true,
            Self::RefuseNever => matches!(call.port, Port::Engine | Port::Edge),
            Self::LoseAnswer | Self::CrashAfter | Self::PowerBefore | Self::PowerAfter => {
                call.changes
            }
            Self::Late | Self::CrashLate => {
                call.changes && matches!(call.port, Port::Engine | Port::Edge)
            }
            Self::EngineTerm | Self::EngineKill => call.changes && call.port != Port::Files,
            Self::EdgeKill => call.port == Port::Edge,
        }
    }

    /// Whether the agent does not survive it.
    pub fn kills(self) -> bool {
        match self {
            Self::CrashBefore
            | Self::CrashAfter
            | Self::CrashLate
            | Self::PowerBefore
            | Self::PowerAfter => true,
            Self::RefuseLater
            | Self::RefuseNever
            | Self::LoseAnswer
            | Self::Late
            | Self::EngineTerm
            | Self::EngineKill
            | Self::EdgeKill => false,
        }
    }
}

/// Whom a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// The engine.
    Engine,
    /// The edge.
    Edge,
    /// The store.
    Store,
    /// The disk.
    Files,
}

/// A call, as faults see it.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Whom it goes to.
    pub port: Port,
    /// What it is.
    pub name: &'static str,
    /// Whether it changes anything.
    pub changes: bool,
}

/// Where faults come from.
#[derive(Debug, Clone)]
pub enum Chance {
    /// Nothing goes wrong.
    Quiet,
    /// One thing goes wrong, at one call.
    Single {
        /// Which call, from 1.
        point: u64,
        /// What.
        fault: Fault,
    },
    /// Drawn.
    Random(Box<Storm>),
}

/// Faults by rates: which classes there are, and how often each, is itself drawn (swarm testing).
#[derive(Debug, Clone)]
pub struct Storm {
    random: SplitMix,
    /// In ten thousand, by [`Fault::index`].
    rates: [u64; 12],
    total: u64,
    /// Faults that may still come; then it is calm.
    left: u32,
}

/// Rates of one class, in percent of the calls that fit, thinned below.
const RATES: [u64; 5] = [0, 2, 10, 30, 60];

impl Storm {
    /// Of one seed.
    pub fn new(random: &mut SplitMix) -> Self {
        let mut rates = [0; 12];
        for (rate, fault) in rates.iter_mut().zip(Fault::ALL) {
            if random.percent(50) {
                let percent = RATES[usize::try_from(random.below(5)).unwrap_or(0)];
                // A deploy has hundreds of calls: at these rates each of them would fail. What ends
                // the agent or restarts a neighbour is rarer than an error.
                *rate = percent * if fault.kills() { 5 } else { 10 };
            }
        }
        let left = u32::try_from(1 + random.below(12)).unwrap_or(1);
        let total = rates.iter().sum();
        Self { random: SplitMix::new(random.draw()), rates, total, left }
    }

    fn draw(&mut self, call: Call) -> Option<Fault> {
        if self.left == 0 || self.total == 0 {
            return None;
        }
        let mut at = self.random.below(10_000);
        if at >= self.total {
            return None;
        }
        for (rate, fault) in self.rates.iter().zip(Fault::ALL) {
            if at < *rate {
                if !fault.fits(call) {
                    return None;
                }
                self.left -= 1;
                return Some(fault);
            }
            at -= rate;
        }
        None
    }
}

impl Chance {
    /// What goes wrong at this call.
    pub fn decide(&mut self, call: Call, at: u64) -> Option<Fault> {
        match self {
            Self::Quiet => None,
            Self::Single { point, fault } => (at == *point && fault.fits(call)).then_some(*fault),
            Self::Random(storm) => storm.draw(call),
        }
    }
}
