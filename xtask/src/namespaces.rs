//! Namespaces of their own for what must not touch the rest of the machine.

use std::process::Command;

/// Goes on with the command that `setpriv` begins: what follows runs among processes and mounts of its
/// own. Whoever ends this process ends everything in there.
pub(crate) fn enclose(setpriv: &mut Command, more: &[&str]) {
    setpriv.args(["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"]);
    setpriv.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).args(more).arg("--");
}
