//! A health test run inside a container, as the engine itself would, but when we want it.
//!
//! The engine's API cannot end an exec: one that outlives its limit is left to the container. Never
//! used for anything with an effect: an exec cannot be found again after a crash.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bytes::Bytes;
use futures_util::StreamExt as _;
use landfall_core::spec::HealthTest;
use landfall_deploy::ports::{EngineError, EngineErrorKind};

use crate::client::DockerEngine;
use crate::error::not_found;

/// What is kept of a test's output, from the end.
const OUTPUT_MAX: usize = 4 * 1024;
const LINE_MAX: usize = 300;
/// The output ends a moment before the exit code is known.
const EXIT_POLL: Duration = Duration::from_millis(5);
const EXIT_LIMIT: Duration = Duration::from_secs(2);

impl DockerEngine {
    /// `Ok(Err(_))`: the test failed, did not end in time, or could not be run as things are.
    pub(crate) async fn run_test(
        &self,
        container: &str,
        test: &HealthTest,
        limit: Duration,
    ) -> Result<Result<(), String>, EngineError> {
        let argv = match test {
            HealthTest::None => return Ok(Ok(())),
            HealthTest::Command(argv) => argv.clone(),
            HealthTest::Shell(line) => self.in_shell(container, line).await?,
        };
        let config = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(argv),
            ..ExecConfig::default()
        };
        let docker = self.docker().await?;
        let container = crate::name::object(container)?;
        let exec = match self.ask(docker.create_exec(container, config)).await {
            Ok(exec) => exec.id,
            Err(e) => return refused(e),
        };
        let run = async {
            let output = collect(docker.start_exec(&exec, None).await?).await?;
            let ended = tokio::time::timeout(EXIT_LIMIT, async {
                loop {
                    let seen = docker.inspect_exec(&exec).await?;
                    if seen.running != Some(true) {
                        return Ok::<_, Error>(seen.exit_code);
                    }
                    tokio::time::sleep(EXIT_POLL).await;
                }
            });
            Ok((output, ended.await.unwrap_or(Ok(None))?))
        };
        match tokio::time::timeout(limit, self.ask(run)).await {
            Ok(Ok((output, code))) => Ok(judge(code, &output)),
            Ok(Err(e)) => refused(e),
            Err(_) => Ok(Err(format!("no answer in {} s", limit.as_secs_f32()))),
        }
    }

    /// `CMD-SHELL` uses the image's own shell.
    async fn in_shell(&self, container: &str, line: &str) -> Result<Vec<String>, EngineError> {
        let missing = || not_found(format!("there is no container {container}"));
        let seen = self.inspect(container).await?.ok_or_else(missing)?;
        let shell = seen.config.and_then(|config| config.shell).filter(|shell| !shell.is_empty());
        let mut argv = shell.unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()]);
        argv.push(line.to_owned());
        Ok(argv)
    }
}

/// A container that does not run, or has no such program, is an answer; a missing one is not.
fn refused(error: EngineError) -> Result<Result<(), String>, EngineError> {
    match error.kind {
        EngineErrorKind::Conflict | EngineErrorKind::Invalid => Ok(Err(error.message)),
        EngineErrorKind::Unreachable
        | EngineErrorKind::PortTaken
        | EngineErrorKind::NotFound
        | EngineErrorKind::Internal
        | EngineErrorKind::Timeout => Err(error),
    }
}

async fn collect(started: StartExecResults) -> Result<Vec<u8>, Error> {
    let StartExecResults::Attached { mut output, input: _input } = started else {
        return Ok(Vec::new());
    };
    let mut tail = Vec::new();
    while let Some(chunk) = output.next().await {
        tail.extend_from_slice(&bytes_of(chunk?));
        let surplus = tail.len().saturating_sub(OUTPUT_MAX);
        tail.drain(..surplus);
    }
    Ok(tail)
}

fn bytes_of(output: LogOutput) -> Bytes {
    match output {
        LogOutput::StdErr { message }
        | LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => message,
    }
}

fn judge(code: Option<i64>, output: &[u8]) -> Result<(), String> {
    let what = match code {
        Some(0) => return Ok(()),
        Some(code) => format!("health test ended with exit code {code}"),
        None => "health test ended without an exit code".to_owned(),
    };
    let text = String::from_utf8_lossy(output);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    Err(match last {
        Some(line) => format!("{what}: {}", line.chars().take(LINE_MAX).collect::<String>()),
        None => what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exit_code_zero_is_good_and_the_last_line_says_why() {
        assert_eq!(judge(Some(0), b"whatever"), Ok(()));
        let no = judge(Some(2), b"first\nFATAL: role \"x\" is missing\r\n\n").unwrap_err();
        assert_eq!(no, "health test ended with exit code 2: FATAL: role \"x\" is missing");
        assert_eq!(judge(Some(1), b"").unwrap_err(), "health test ended with exit code 1");
        assert!(judge(None, b"").is_err());
        assert!(judge(Some(1), &[b'x'; 9000]).unwrap_err().len() < 400);
    }
}
