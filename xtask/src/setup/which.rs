//! The engines that landfall is tried on, by name.

#[cfg(feature = "load")]
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use clap::builder::PossibleValue;

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The distribution's.
    Installed,
    /// The newest, with its classic image store.
    Newest,
    /// The newest, with containerd's image store.
    NewestContainerd,
}

impl Which {
    const EACH: [Self; 3] = [Self::Installed, Self::Newest, Self::NewestContainerd];

    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Installed => "20.10",
            Self::Newest => "newest",
            Self::NewestContainerd => "newest-containerd",
        }
    }

    /// In words.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Installed => "the distribution's engine",
            Self::Newest => "the newest engine",
            Self::NewestContainerd => "the newest engine with containerd's image store",
        }
    }
}

/// What the command line may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engines {
    /// This one.
    One(Which),
    /// One after the other.
    All,
}

impl Engines {
    /// The distribution's, which is there without more ado.
    pub(crate) const INSTALLED: Self = Self::One(Which::Installed);

    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::One(which) => which.name(),
            Self::All => "all",
        }
    }

    /// The engines that are meant.
    pub(crate) fn each(self) -> Vec<Which> {
        match self {
            Self::One(which) => vec![which],
            Self::All => Which::EACH.to_vec(),
        }
    }

    /// The engine, where only one can be meant.
    #[cfg(feature = "load")]
    pub(crate) fn one(self) -> Result<Which> {
        match self {
            Self::One(which) => Ok(which),
            Self::All => bail!("inside there is one engine"),
        }
    }

    /// Goes through all of them, whatever happens on one, and then tells what did not hold.
    #[cfg(feature = "load")]
    pub(crate) fn on_each(self, mut on: impl FnMut(Which) -> Result<()>) -> Result<()> {
        let mut failed = Vec::new();
        for which in self.each() {
            if let Err(error) = on(which).context(which.name()) {
                failed.push(format!("{error:#}"));
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        bail!("not everything held: {}", failed.join("; "))
    }
}

impl ValueEnum for Engines {
    fn value_variants<'a>() -> &'a [Self] {
        const {
            let [installed, newest, containerd] = Which::EACH;
            &[Self::One(installed), Self::One(newest), Self::One(containerd), Self::All]
        }
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.name());
        Some(match self {
            Self::One(which @ Which::Installed) => value.help(which.title()).alias("installed"),
            Self::One(which @ Which::Newest) => value.help(which.title()),
            Self::One(which @ Which::NewestContainerd) => {
                value.help(which.title()).alias("containerd")
            }
            Self::All => value.help("one after the other"),
        })
    }
}
