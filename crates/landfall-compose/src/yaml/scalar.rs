//! Plain scalars as go-yaml resolves them: neither YAML 1.1 (`yes` is a text) nor 1.2 (`0777` is
//! 511). The rules are those of `resolve.go` in go-yaml v3 and v4.

use super::node::Value;

/// The value of a plain (unquoted) scalar.
pub(crate) fn resolve(text: &str) -> Value {
    let Some(first) = text.bytes().next() else { return Value::Null };
    match text {
        "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.') {
        return number(text);
    }
    Value::Text(text.into())
}

fn number(text: &str) -> Value {
    if is_timestamp(text) {
        return Value::Timestamp;
    }
    let plain = text.replace('_', "");
    integer(&plain)
        .or_else(|| float(&plain).map(Value::Float))
        .unwrap_or_else(|| Value::Text(text.into()))
}

/// Go's `ParseInt` and `ParseUint` with base 0.
pub(crate) fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    // `from_str_radix` would accept a second sign.
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    if negative {
        return i64::from_str_radix(&format!("-{digits}"), radix).ok().map(Value::Int);
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    Some(i64::try_from(value).map_or(Value::UInt(value), Value::Int))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
pub(crate) fn float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    if mantissa_ok && exponent_ok { text.parse().ok() } else { None }
}

/// A date, or a date and a time, as go-yaml recognises them.
fn is_timestamp(text: &str) -> bool {
    let year_len = text.bytes().take_while(u8::is_ascii_digit).count();
    if year_len != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    let date_len =
        text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count().min(text.len());
    let (date, rest) = text.split_at(date_len);
    let parts: Vec<&str> = date.split('-').collect();
    let [_, month, day] = parts[..] else { return false };
    let within = |part: &str, max: u32| {
        (1..=2).contains(&part.len()) && part.parse::<u32>().is_ok_and(|n| (1..=max).contains(&n))
    };
    within(month, 12) && within(day, 31) && (rest.is_empty() || is_time(rest))
}

fn is_time(rest: &str) -> bool {
    let zoned = rest.starts_with(['T', 't']);
    if !zoned && !rest.starts_with(' ') {
        return false;
    }
    let rest = &rest[1..];
    let clock_len = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b':').count();
    let (clock, tail) = rest.split_at(clock_len);
    let parts: Vec<&str> = clock.split(':').collect();
    let clock_ok = parts.len() == 3
        && parts
            .iter()
            .all(|p| (1..=2).contains(&p.len()) && p.parse::<u8>().is_ok_and(|n| n < 60));
    let tail = match tail.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => tail,
    };
    let zone_ok = tail == "Z"
        || (tail.len() == 6
            && tail.starts_with(['+', '-'])
            && tail[1..]
                .bytes()
                .enumerate()
                .all(|(i, b)| if i == 2 { b == b':' } else { b.is_ascii_digit() }));
    clock_ok && if zoned { zone_ok } else { tail.is_empty() }
}

/// Go's `%v` of a float64: the shortest text, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn print_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_resolve_as_go_yaml_does() {
        let cases = [
            ("yes", "Text(\"yes\")"),
            ("y", "Text(\"y\")"),
            ("True", "Bool(true)"),
            ("~", "Null"),
            ("", "Null"),
            ("0777", "Int(511)"),
            ("0o777", "Int(511)"),
            ("0x1F", "Int(31)"),
            ("0b101", "Int(5)"),
            ("-0x10", "Int(-16)"),
            ("1_000", "Int(1000)"),
            ("08", "Float(8.0)"),
            ("0_7", "Int(7)"),
            ("+5", "Int(5)"),
            ("-0", "Int(0)"),
            ("1.10", "Float(1.1)"),
            ("5.", "Float(5.0)"),
            (".5", "Float(0.5)"),
            ("1e3", "Float(1000.0)"),
            ("1e", "Text(\"1e\")"),
            ("0x", "Text(\"0x\")"),
            ("--5", "Text(\"--5\")"),
            ("100m", "Text(\"100m\")"),
            ("1.2.3", "Text(\"1.2.3\")"),
            ("22:22", "Text(\"22:22\")"),
            ("NaN", "Text(\"NaN\")"),
            (".nan", "Float(NaN)"),
            ("18446744073709551615", "UInt(18446744073709551615)"),
            ("2024-01-01", "Timestamp"),
            ("2024-1-1", "Timestamp"),
            ("2024-13-01", "Text(\"2024-13-01\")"),
            ("2024-01-01T00:00:00Z", "Timestamp"),
            ("2024-01-01 10:00:00.5", "Timestamp"),
            ("2024-01-01x", "Text(\"2024-01-01x\")"),
            ("127.0.0.1", "Text(\"127.0.0.1\")"),
            ("-", "Text(\"-\")"),
            (".", "Text(\".\")"),
        ];
        for (text, expected) in cases {
            assert_eq!(format!("{:?}", resolve(text)), expected, "{text}");
        }
    }

    #[test]
    fn floats_print_as_go_does() {
        let cases = [
            (1000.0, "1000"),
            (1e6, "1e+06"),
            (1.1, "1.1"),
            (1e-8, "1e-08"),
            (1.234_567_890_123_456_8e29, "1.2345678901234568e+29"),
            (0.0001, "0.0001"),
            (f64::INFINITY, "+Inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(print_float(value), expected);
        }
    }
}
