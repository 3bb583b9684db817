//! Numbers as people read them: durations, ages, sizes, dates. The time is an argument.

/// `0.3 s`, `6.2 s`, `1 min 5 s`, `2 h 3 min`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A rough age: `5 s`, `3 min`, `2 h`, `4 d`.
pub(crate) fn age(since_ms: u64, now_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(since_ms) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `12 B`, `3.4 kB`, `56 MB`: powers of ten, as docker shows them.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut tenths = count.saturating_mul(10);
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    if unit == 0 || tenths >= 100 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// `1 step`, `2 steps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `2026-10-04 09:30` in UTC.
pub(crate) fn date_utc(at_ms: u64) -> String {
    let days = at_ms / 86_400_000;
    let minutes = at_ms / 60_000 % 1440;
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// Days since 1970-01-01 to year, month, day: Howard Hinnant's `civil_from_days`, for years after 1970.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let table =
            [(0, "0.0 s"), (6_240, "6.2 s"), (65_000, "1 min 5 s"), (7_380_000, "2 h 3 min")];
        for (ms, expected) in table {
            assert_eq!(duration(ms), expected);
        }
        assert_eq!(age(0, 90_000), "1 min");
        assert_eq!(age(5, 0), "0 s");
    }

    #[test]
    fn sizes_read_well() {
        let table = [(12, "12 B"), (3_400, "3.4 kB"), (56_000_000, "56 MB"), (999, "999 B")];
        for (count, expected) in table {
            assert_eq!(bytes(count), expected);
        }
        assert_eq!(bytes(4 * 1024 * 1024 * 1024), "4.2 GB");
    }

    #[test]
    fn dates_are_right_over_leap_years() {
        assert_eq!(date_utc(0), "1970-01-01 00:00");
        assert_eq!(date_utc(951_782_400_000), "2000-02-29 00:00");
        assert_eq!(date_utc(1_791_106_200_000), "2026-10-04 09:30");
    }
}
