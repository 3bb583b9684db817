//! The engines that landfall is tried on, by name.

use clap::ValueEnum;

/// An engine, or each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// The distribution's.
    #[value(name = "20.10", alias = "installed")]
    Installed,
    /// The newest, with its classic image store.
    Newest,
    /// The newest, with containerd's image store.
    #[value(alias = "containerd")]
    NewestContainerd,
    /// One after the other.
    All,
}

impl Which {
    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Installed => "20.10",
            Self::Newest => "newest",
            Self::NewestContainerd => "newest-containerd",
            Self::All => "all",
        }
    }

    /// In words.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Installed => "the distribution's engine",
            Self::Newest => "the newest engine",
            Self::NewestContainerd => "the newest engine with containerd's image store",
            Self::All => "every engine",
        }
    }

    /// The engines that are meant.
    pub(crate) fn each(self) -> Vec<Self> {
        match self {
            Self::All => vec![Self::Installed, Self::Newest, Self::NewestContainerd],
            one => vec![one],
        }
    }
}
