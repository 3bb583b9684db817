//! The engine's RFC 3339 timestamps, as milliseconds since 1970. For display and order only.

/// Splits a timestamp and the blank after it off the beginning of a log line.
pub(crate) fn split(line: &[u8]) -> Option<(u64, &[u8])> {
    // 2024-05-06T07:08:09.123456789Z, or an offset: longer than this is none.
    let blank = line.iter().take(40).position(|byte| *byte == b' ')?;
    let at_ms = parse(std::str::from_utf8(&line[..blank]).ok()?)?;
    Some((at_ms, &line[blank + 1..]))
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (time, offset_s) = match time.strip_suffix('Z') {
        Some(time) => (time, 0),
        None => offset(time)?,
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.splitn(3, ':').map(str::parse::<i64>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let digits = fraction.chars().chain("000".chars()).take(3).collect::<String>();
    let millis: u64 = digits.parse().ok()?;
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(u64::try_from(seconds - offset_s).ok()? * 1_000 + millis)
}

fn offset(time: &str) -> Option<(&str, i64)> {
    let sign = time.rfind(['+', '-'])?;
    let (hours, minutes) = time[sign + 1..].split_once(':')?;
    let seconds = hours.parse::<i64>().ok()? * 3_600 + minutes.parse::<i64>().ok()? * 60;
    let seconds = if time.as_bytes()[sign] == b'-' { -seconds } else { seconds };
    Some((&time[..sign], seconds))
}

/// Howard Hinnant's `days_from_civil`.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_with_and_without_offset() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00.5Z", 951_825_600_500),
            ("2024-05-06T07:08:09.123456789Z", 1_714_979_289_123),
            ("2024-05-06T09:08:09.123456789+02:00", 1_714_979_289_123),
            ("2024-05-05T23:08:09.123-08:00", 1_714_979_289_123),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
        for bad in ["", "T", "2024-13-01T00:00:00Z", "0001-01-01T00:00:00Z", "2024-05-06 07:08:09"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_timestamp_is_split_off() {
        assert_eq!(split(b"1970-01-01T00:00:01Z hello you"), Some((1000, &b"hello you"[..])));
        assert_eq!(split(b"hello you"), None);
        assert_eq!(split(b""), None);
    }
}
