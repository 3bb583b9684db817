//! Commands run inside a container: its health test, as the engine itself would, but when we want it;
//! and its hooks, which are the only ones with an effect.
//!
//! The engine's API cannot end an exec: one that outlives its limit is left to the container. Nor can
//! it be found again after a crash, so a hook may run twice.

use std::time::{Duration, Instant};

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bytes::Bytes;
use futures_util::StreamExt as _;
use landfall_core::spec::{HealthTest, Hook};
use landfall_deploy::ports::{EngineError, EngineErrorKind};

use crate::client::DockerEngine;
use crate::error::not_found;

/// What is kept of a test's output, from the end.
const OUTPUT_MAX: usize = 4 * 1024;
const LINE_MAX: usize = 300;
/// The output ends a moment before the exit code is known.
const EXIT_POLL: Duration = Duration::from_millis(5);
const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// Exit code and the end of the output.
type Ended = (Option<i64>, Vec<u8>);

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
            // The gate asks for the image's test by its words.
            HealthTest::Image => return Ok(Err("the image has no health test".to_owned())),
        };
        let config = ExecConfig { cmd: Some(argv), ..ExecConfig::default() };
        let ended = self.run_inside(container, config, limit).await?;
        Ok(ended.and_then(|(code, output)| judge("health test", code, &output)))
    }

    /// Runs commands one after the other, and stops at the first that fails.
    pub(crate) async fn do_hooks(
        &self,
        container: &str,
        hooks: &[Hook],
        limit: Duration,
    ) -> Result<Result<(), String>, EngineError> {
        let began = Instant::now();
        for hook in hooks {
            let left = limit.saturating_sub(began.elapsed());
            let ended = self.run_inside(container, hook_config(hook), left).await?;
            let program = hook.command.first().map_or("", String::as_str);
            if let Err(why) = ended.and_then(|(code, output)| judge(program, code, &output)) {
                return Ok(Err(why));
            }
        }
        Ok(Ok(()))
    }

    /// Runs one command inside; its exit code and the end of its output.
    async fn run_inside(
        &self,
        container: &str,
        config: ExecConfig,
        limit: Duration,
    ) -> Result<Result<Ended, String>, EngineError> {
        let config = ExecConfig { attach_stdout: Some(true), attach_stderr: Some(true), ..config };
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
            Ok((ended.await.unwrap_or(Ok(None))?, output))
        };
        match tokio::time::timeout(limit, self.within(limit, run)).await {
            Ok(Ok(ended)) => Ok(Ok(ended)),
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
fn refused<T>(error: EngineError) -> Result<Result<T, String>, EngineError> {
    match error.kind {
        EngineErrorKind::Conflict | EngineErrorKind::Invalid => Ok(Err(error.message)),
        EngineErrorKind::Unreachable
        | EngineErrorKind::PortTaken
        | EngineErrorKind::NotFound
        | EngineErrorKind::LostTrack
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

fn hook_config(hook: &Hook) -> ExecConfig {
    let environment = hook.environment.iter();
    let environment: Vec<_> = environment.map(|(k, v)| format!("{k}={}", v.expose())).collect();
    ExecConfig {
        cmd: Some(hook.command.clone()),
        user: hook.user.clone(),
        privileged: hook.privileged.then_some(true),
        working_dir: hook.working_dir.clone(),
        env: (!environment.is_empty()).then_some(environment),
        ..ExecConfig::default()
    }
}

fn bytes_of(output: LogOutput) -> Bytes {
    match output {
        LogOutput::StdErr { message }
        | LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => message,
    }
}

fn judge(what: &str, code: Option<i64>, output: &[u8]) -> Result<(), String> {
    let what = match code {
        Some(0) => return Ok(()),
        Some(code) => format!("{what} ended with exit code {code}"),
        None => format!("{what} ended without an exit code"),
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
        assert_eq!(judge("health test", Some(0), b"whatever"), Ok(()));
        let no = judge("health test", Some(2), b"first\nFATAL: role \"x\" is missing\r\n\n")
            .unwrap_err();
        assert_eq!(no, "health test ended with exit code 2: FATAL: role \"x\" is missing");
        assert_eq!(
            judge("health test", Some(1), b"").unwrap_err(),
            "health test ended with exit code 1"
        );
        assert!(judge("health test", None, b"").is_err());
        assert!(judge("health test", Some(1), &[b'x'; 9000]).unwrap_err().len() < 400);
    }
}
