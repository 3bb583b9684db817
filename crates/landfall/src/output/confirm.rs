//! Questions to a person: asked only where somebody can answer.

use std::io::{self, IsTerminal, Write};

use crate::failure::Failure;

/// Whether somebody can answer.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether a person says yes; where there is none, it counts as said.
pub(crate) fn is_confirmed(question: &str) -> Result<bool, Failure> {
    if !can_ask() {
        return Ok(true);
    }
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    let question = format!("{question} [y/N] ");
    let failed = |error| Failure::internal("the answer cannot be read").cause(error);
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(failed)?;
    let mut answer = String::new();
    stdin.read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
