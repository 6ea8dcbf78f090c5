//! What a column's physical values mean, and how each is written out exactly.
//!
//! Source: Apache Parquet format, `LogicalTypes.md`.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::schema::types::ColumnDescriptor;

use crate::dump::{CellKind, RowBatch};

/// How a column's physical values are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Boolean,
    Integer,
    Unsigned,
    Float,
    /// An unscaled integer with this many digits behind the point.
    Decimal(i32),
    /// Days since 1970-01-01.
    Date,
    /// Units since midnight; how many make a second.
    Time(i64),
    /// Units since 1970-01-01; how many make a second, and whether they count in UTC.
    Timestamp(i64, bool),
    Text,
    Uuid,
    Bytes,
    /// Bytes that the file says nothing of: text where it is UTF-8, as old writers have it.
    Unknown,
}

/// Chooses by the logical type, else by the older converted type, else by the physical one.
pub(super) fn meaning(column: &ColumnDescriptor) -> Meaning {
    let per_second = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    let scale = column.type_scale();
    match column.logical_type_ref() {
        Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => return Meaning::Text,
        Some(LogicalType::Decimal(_)) => return Meaning::Decimal(scale),
        Some(LogicalType::Date) => return Meaning::Date,
        Some(LogicalType::Time(time)) => return Meaning::Time(per_second(&time.unit)),
        Some(LogicalType::Timestamp(time)) => return Meaning::Timestamp(per_second(&time.unit), time.is_adjusted_to_u_t_c),
        Some(LogicalType::Integer(int)) if !int.is_signed => return Meaning::Unsigned,
        Some(LogicalType::Uuid) => return Meaning::Uuid,
        Some(LogicalType::Bson) => return Meaning::Bytes,
        _ => {}
    }
    match column.converted_type() {
        ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Meaning::Text,
        ConvertedType::DECIMAL => Meaning::Decimal(scale),
        ConvertedType::DATE => Meaning::Date,
        ConvertedType::TIME_MILLIS => Meaning::Time(1_000),
        ConvertedType::TIME_MICROS => Meaning::Time(1_000_000),
        ConvertedType::TIMESTAMP_MILLIS => Meaning::Timestamp(1_000, true),
        ConvertedType::TIMESTAMP_MICROS => Meaning::Timestamp(1_000_000, true),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => Meaning::Unsigned,
        _ => match column.physical_type() {
            Physical::BOOLEAN => Meaning::Boolean,
            Physical::INT32 | Physical::INT64 => Meaning::Integer,
            // Impala and old Spark: nanoseconds of a day and a Julian day, without a time zone.
            Physical::INT96 => Meaning::Timestamp(1_000_000_000, false),
            Physical::FLOAT | Physical::DOUBLE => Meaning::Float,
            Physical::BYTE_ARRAY => Meaning::Unknown,
            Physical::FIXED_LEN_BYTE_ARRAY => Meaning::Bytes,
        },
    }
}

pub(super) fn text(batch: &mut RowBatch, value: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // A vector takes whatever is written.
    let _ = batch.buffer().write_fmt(value);
    batch.end_cell(CellKind::Text);
}

pub(super) fn integer(batch: &mut RowBatch, meaning: Meaning, n: i64, unsigned: u64) {
    match meaning {
        Meaning::Unsigned => match i64::try_from(unsigned) {
            Ok(n) => batch.push(CellKind::Integer, &n.to_le_bytes()),
            Err(_) => text(batch, format_args!("{unsigned}")),
        },
        Meaning::Decimal(scale) => decimal(batch, i128::from(n), scale),
        Meaning::Date => match i32::try_from(n).ok().and_then(chrono::NaiveDate::from_epoch_days) {
            Some(date) => text(batch, format_args!("{date}")),
            None => batch.push(CellKind::Integer, &n.to_le_bytes()),
        },
        Meaning::Time(per_second) => clock(batch, n, per_second),
        Meaning::Timestamp(per_second, utc) => timestamp(batch, n.div_euclid(per_second), n.rem_euclid(per_second), per_second, utc),
        _ => batch.push(CellKind::Integer, &n.to_le_bytes()),
    }
}

/// Writes an unscaled integer with its point; digits that are there stay.
pub(super) fn decimal(batch: &mut RowBatch, n: i128, scale: i32) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let sign = if n < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", n.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    text(batch, format_args!("{sign}{whole}{point}{fraction}"));
}

/// Digits behind the second of a unit.
const fn digits(per_second: i64) -> usize {
    match per_second {
        1_000 => 3,
        1_000_000 => 6,
        _ => 9,
    }
}

fn clock(batch: &mut RowBatch, n: i64, per_second: i64) {
    let (seconds, rest, width) = (n.div_euclid(per_second), n.rem_euclid(per_second), digits(per_second));
    let (hours, minutes, seconds) = (seconds.div_euclid(3600), seconds.rem_euclid(3600) / 60, seconds.rem_euclid(60));
    text(batch, format_args!("{hours:02}:{minutes:02}:{seconds:02}.{rest:0width$}"));
}

fn timestamp(batch: &mut RowBatch, seconds: i64, rest: i64, per_second: i64, utc: bool) {
    let (width, zone) = (digits(per_second), if utc { "+00" } else { "" });
    match chrono::DateTime::from_timestamp(seconds, 0) {
        Some(at) => text(batch, format_args!("{}.{rest:0width$}{zone}", at.format("%Y-%m-%d %H:%M:%S"))),
        // Beyond what a calendar holds, such as a far future that stands for infinity: the number itself.
        None => text(batch, format_args!("{}", i128::from(seconds) * i128::from(per_second) + i128::from(rest))),
    }
}

/// Writes the timestamp of Impala and old Spark.
///
/// Source: Apache Parquet format, INT96: nanoseconds of the day in eight bytes, the Julian day in four; day
/// 2,440,588 is 1970-01-01.
pub(super) fn julian(batch: &mut RowBatch, words: &[u32]) {
    let [low, high, day] = words else { return batch.push_null() };
    let nanos = (u64::from(*high) << 32 | u64::from(*low)).cast_signed();
    let seconds = (i64::from(*day) - 2_440_588) * 86_400 + nanos.div_euclid(1_000_000_000);
    timestamp(batch, seconds, nanos.rem_euclid(1_000_000_000), 1_000_000_000, false);
}

pub(super) fn bytes(batch: &mut RowBatch, meaning: Meaning, value: &[u8]) {
    match (meaning, value.len()) {
        (Meaning::Decimal(scale), 1..=16) => {
            let fill = if value[0] & 0x80 == 0 { 0 } else { 0xff };
            let mut wide = [fill; 16];
            wide[16 - value.len()..].copy_from_slice(value);
            decimal(batch, i128::from_be_bytes(wide), scale);
        }
        (Meaning::Uuid, 16) => {
            let hex: Vec<String> = value.iter().map(|b| format!("{b:02x}")).collect();
            let part = |from: usize, to: usize| hex[from..to].concat();
            text(batch, format_args!("{}-{}-{}-{}-{}", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 16)));
        }
        (Meaning::Text, _) => batch.push(CellKind::Text, value),
        (Meaning::Unknown, _) if simdutf8::basic::from_utf8(value).is_ok() => batch.push(CellKind::Text, value),
        _ => batch.push(CellKind::Bytes, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(fill: impl FnOnce(&mut RowBatch)) -> Vec<String> {
        let mut batch = RowBatch::new();
        fill(&mut batch);
        batch.end_row();
        batch.row(0).iter().map(|c| String::from_utf8_lossy(c.bytes).into_owned()).collect()
    }

    #[test]
    fn values_are_written_out_exactly() {
        let found = cells(|b| {
            decimal(b, -5, 2);
            decimal(b, 110, 2);
            decimal(b, 7, 0);
            integer(b, Meaning::Date, -1, 0);
            integer(b, Meaning::Timestamp(1_000, true), -1, 0);
            integer(b, Meaning::Timestamp(1_000_000, false), 1_709_231_399_999_999, 0);
            integer(b, Meaning::Time(1_000_000), 86_399_000_001, 0);
            integer(b, Meaning::Unsigned, -1, u64::MAX);
            julian(b, &[1, 0, 2_440_588]);
            bytes(b, Meaning::Decimal(1), &[0xff, 0xf6]);
            bytes(b, Meaning::Uuid, &[0x12; 16]);
        });
        assert_eq!(
            found,
            [
                "-0.05",
                "1.10",
                "7",
                "1969-12-31",
                "1969-12-31 23:59:59.999+00",
                "2024-02-29 18:29:59.999999",
                "23:59:59.000001",
                "18446744073709551615",
                "1970-01-01 00:00:00.000000001",
                "-1.0",
                "12121212-1212-1212-1212-121212121212"
            ]
        );
    }
}
