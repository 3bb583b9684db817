//! Logs on a real engine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use landfall_deploy::ports::{Engine as _, EngineErrorKind};
use landfall_docker::{LogLine, LogOptions, LogStream};

use crate::support::{Corner, in_corner, until};

async fn all(corner: &Corner, container: &str, options: LogOptions) -> Vec<LogLine> {
    let stream = corner.engine.logs(container, &options).await.unwrap();
    stream.map(Result::unwrap).collect().await
}

#[test]
fn lines_keep_their_stream_their_order_and_their_time() {
    in_corner("logs", async |corner| {
        let line = "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three";
        let mut request = corner.container("job", line);
        request.restart = false;
        corner.run(&request).await;
        let follow = LogOptions { follow: true, ..LogOptions::default() };
        let lines = all(corner, &request.name, follow).await;
        let said: Vec<_> = lines.iter().map(|l| (l.stream, l.text.as_str())).collect();
        assert_eq!(
            said,
            [(LogStream::Out, "one"), (LogStream::Err, "two"), (LogStream::Out, "three")]
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let times: Vec<_> = lines.iter().map(|l| u128::from(l.at_ms.unwrap())).collect();
        assert!(times.is_sorted() && times[0] + 60_000 > now && times[2] <= now, "{times:?}");

        let tail = LogOptions { tail: Some(1), ..LogOptions::default() };
        assert_eq!(all(corner, &request.name, tail).await.len(), 1);
        let later = u64::try_from(now / 1000).unwrap() + 3600;
        let later = LogOptions { since_s: Some(later), ..LogOptions::default() };
        assert_eq!(all(corner, &request.name, later).await, []);
        assert_eq!(corner.engine.last_logs(&request.name, 2).await.unwrap(), ["two", "three"]);
        let error = corner.engine.last_logs(&corner.name("nobody"), 2).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::NotFound);
    });
}

#[test]
fn a_line_longer_than_the_engines_buffer_is_one_line() {
    in_corner("long", async |corner| {
        let line = "head -c 40000 /dev/zero | tr '\\0' x; echo; echo end";
        let mut request = corner.container("job", line);
        request.restart = false;
        corner.run(&request).await;
        let follow = LogOptions { follow: true, ..LogOptions::default() };
        let lines = all(corner, &request.name, follow).await;
        let lengths: Vec<_> = lines.iter().map(|l| l.text.len()).collect();
        assert_eq!(lengths, [40_000, 3]);
    });
}

#[test]
fn a_terminals_output_is_read_as_lines() {
    in_corner("tty", async |corner| {
        let mut request = corner.container("tty", "echo one; echo two >&2; sleep 99");
        request.container.tty = true;
        corner.run(&request).await;
        until("both lines", async || {
            corner.engine.last_logs(&request.name, 9).await.unwrap() == ["one", "two"]
        })
        .await;
        // Following ends with the container.
        let follow = LogOptions { follow: true, ..LogOptions::default() };
        let stop = corner.engine.stop(&request.name, Duration::ZERO);
        let (lines, stopped) = tokio::join!(all(corner, &request.name, follow), stop);
        assert_eq!((lines.len(), stopped), (2, Ok(())));
    });
}
