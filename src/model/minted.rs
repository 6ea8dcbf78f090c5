//! Ids that carry the time at which they were made: ULID, UUID versions 1, 6 and 7, `ObjectId`, KSUID, cuid,
//! xid, Firebase push ids and snowflakes. Reads the time out of a text; never says whether it is true.
//!
//! A cuid2, a nanoid and a UUID of version 4 carry none.

use super::stamp::{SECOND, days_from_civil};

/// A way to write a time into an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// UUID of version 1: 100 ns since 1582-10-15, and a node.
    Uuid1,
    /// UUID of version 6: the same, highest digits first.
    Uuid6,
    /// UUID of version 7: milliseconds since 1970.
    Uuid7,
    /// 26 digits of base 32, also after a prefix (`TypeID`): milliseconds since 1970.
    Ulid,
    /// 24 hexadecimal digits: seconds since 1970, process, counter.
    ObjectId,
    /// 27 digits of base 62: seconds since 2014-05-13.
    Ksuid,
    /// `c` and 24 digits of base 36: milliseconds since 1970, counter, process.
    Cuid,
    /// 20 digits of base 32: seconds since 1970, machine, process, counter.
    Xid,
    /// 20 digits of base 64: milliseconds since 1970.
    PushId,
    /// 63 bits: milliseconds since Twitter's epoch, worker, counter.
    Snowflake,
    /// The same since Discord's epoch.
    DiscordSnowflake,
    /// Milliseconds since 1970 and 16 bits of counter.
    Mastodon,
}

/// When an id was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minted {
    /// UTC microseconds.
    pub micros: i64,
    /// Orders ids of one moment, where the scheme has a counter.
    pub step: u32,
}

/// Ids made before 2005 carry no such clock, microseconds: the oldest scheme in use is younger.
const FROM: i64 = days_from_civil(2005, 1, 1) * 86_400 * SECOND;

/// 2060-01-01, as far as a cuid's eight digits reach.
const UNTIL: i64 = days_from_civil(2060, 1, 1) * 86_400 * SECOND;

/// From 1582-10-15 to 1970-01-01, in units of 100 ns. Source: RFC 9562, section 5.1.
const GREGORIAN: i64 = 0x01b2_1dd2_1381_4000;

/// Source: segmentio/ksuid, `epochStamp`.
const KSUID_EPOCH_S: i64 = 1_400_000_000;

/// Source: Twitter's snowflake, 2010-11-04; Discord's API reference, 2015-01-01; milliseconds.
const TWITTER_EPOCH_MS: i64 = 1_288_834_974_657;
const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;

impl Scheme {
    /// Every scheme; where a column fits several, the first counts.
    pub const ALL: [Self; 12] = [
        Self::Uuid7,
        Self::Uuid6,
        Self::Uuid1,
        Self::Cuid,
        Self::Ulid,
        Self::ObjectId,
        Self::Ksuid,
        Self::Xid,
        Self::PushId,
        Self::Snowflake,
        Self::DiscordSnowflake,
        Self::Mastodon,
    ];

    /// Returns its usual name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uuid1 => "UUID version 1",
            Self::Uuid6 => "UUID version 6",
            Self::Uuid7 => "UUID version 7",
            Self::Ulid => "ULID",
            Self::ObjectId => "ObjectId",
            Self::Ksuid => "KSUID",
            Self::Cuid => "cuid",
            Self::Xid => "xid",
            Self::PushId => "push id",
            Self::Snowflake | Self::DiscordSnowflake | Self::Mastodon => "snowflake",
        }
    }

    /// Reads an id's clock; `None` where the text is no such id or its time is not between 2005 and 2060.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Minted> {
        let text = text.trim();
        let minted = match self {
            Self::Uuid1 | Self::Uuid6 | Self::Uuid7 => uuid(self, text)?,
            Self::Ulid => ulid(text)?,
            Self::ObjectId => object_id(text)?,
            Self::Ksuid => ksuid(text)?,
            Self::Cuid => cuid(text)?,
            Self::Xid => xid(text)?,
            Self::PushId => push_id(text)?,
            Self::Snowflake => snowflake(text, 22, TWITTER_EPOCH_MS)?,
            Self::DiscordSnowflake => snowflake(text, 22, DISCORD_EPOCH_MS)?,
            Self::Mastodon => snowflake(text, 16, 0)?,
        };
        (FROM..UNTIL).contains(&minted.micros).then_some(minted)
    }
}

const fn millis(ms: i64, step: u32) -> Minted {
    Minted { micros: ms * 1_000, step }
}

const fn seconds(s: i64, step: u32) -> Minted {
    Minted { micros: s * SECOND, step }
}

/// Reads 32 hexadecimal digits, with or without hyphens, braces and the `\x` of binary values.
///
/// Source: RFC 9562, sections 4.1 and 5.
fn uuid(scheme: Scheme, text: &str) -> Option<Minted> {
    let bare = text.trim_start_matches("\\x").trim_start_matches('{').trim_end_matches('}');
    if !matches!(bare.len(), 32 | 36) {
        return None;
    }
    let mut bits: u128 = 0;
    let mut digits = 0;
    for byte in bare.bytes() {
        if byte == b'-' {
            continue;
        }
        bits = bits << 4 | u128::from(char::from(byte).to_digit(16)?);
        digits += 1;
    }
    let (version, variant) = ((bits >> 76) & 0xf, (bits >> 62) & 0x3);
    if digits != 32 || variant != 2 {
        return None;
    }
    let part = |shift: u32, width: u32| ((bits >> shift) & ((1 << width) - 1)) as i64;
    let gregorian = |ticks: i64| Minted { micros: (ticks - GREGORIAN) / 10, step: part(48, 14) as u32 };
    match (scheme, version) {
        (Scheme::Uuid1, 1) => Some(gregorian(part(64, 12) << 48 | part(80, 16) << 32 | part(96, 32))),
        (Scheme::Uuid6, 6) => Some(gregorian(part(80, 48) << 12 | part(64, 12))),
        // What follows the milliseconds is a counter or a finer fraction where it is not random.
        (Scheme::Uuid7, 7) => Some(millis(part(80, 48), part(64, 12) as u32)),
        _ => None,
    }
}

/// Source: ulid/spec: Crockford's base 32, 48 bits of milliseconds in the first ten digits; `TypeID` writes a
/// UUID of version 7 in the same digits behind a prefix.
fn ulid(text: &str) -> Option<Minted> {
    let bare = text.rsplit_once('_').map_or(text, |(_, bare)| bare);
    if bare.len() != 26 || !matches!(bare.as_bytes()[0], b'0'..=b'7') {
        return None;
    }
    let digit = |byte: &u8| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".iter().position(|d| *d == byte.to_ascii_uppercase());
    let mut ms: i64 = 0;
    for (place, byte) in bare.as_bytes().iter().enumerate() {
        let value = digit(byte)? as i64;
        if place < 10 {
            ms = ms << 5 | value;
        }
    }
    Some(millis(ms, 0))
}

/// Source: `MongoDB`'s BSON types: 4 bytes of seconds, 5 of process, 3 of counter.
fn object_id(text: &str) -> Option<Minted> {
    if text.len() != 24 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some(seconds(i64::from_str_radix(&text[..8], 16).ok()?, u32::from_str_radix(&text[18..], 16).ok()?))
}

/// Source: segmentio/ksuid: 20 bytes in 27 digits of base 62, the first four are seconds.
fn ksuid(text: &str) -> Option<Minted> {
    if text.len() != 27 {
        return None;
    }
    let mut number = [0_u32; 5];
    for byte in text.bytes() {
        let mut carry = match byte {
            b'0'..=b'9' => u64::from(byte - b'0'),
            b'A'..=b'Z' => u64::from(byte - b'A') + 10,
            b'a'..=b'z' => u64::from(byte - b'a') + 36,
            _ => return None,
        };
        for limb in number.iter_mut().rev() {
            carry += u64::from(*limb) * 62;
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(seconds(i64::from(number[0]) + KSUID_EPOCH_S, 0))
}

/// Source: paralleldrive/cuid: `c`, eight digits of milliseconds, four of counter, four of process, eight random.
fn cuid(text: &str) -> Option<Minted> {
    let rest = text.strip_prefix('c').filter(|rest| rest.len() == 24)?;
    if !rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()) {
        return None;
    }
    Some(millis(i64::from_str_radix(&rest[..8], 36).ok()?, u32::from_str_radix(&rest[8..12], 36).ok()?))
}

/// Source: rs/xid: 12 bytes in 20 digits of base 32 hex: 4 of seconds, 3 of machine, 2 of process, 3 of counter.
fn xid(text: &str) -> Option<Minted> {
    if text.len() != 20 {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in text.bytes() {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'v' => byte - b'a' + 10,
            _ => return None,
        };
        bits = bits << 5 | u128::from(value);
    }
    // 100 bits hold 96; the last four are zero.
    (bits & 0xf == 0).then(|| seconds(((bits >> 68) & 0xffff_ffff) as i64, ((bits >> 4) & 0x00ff_ffff) as u32))
}

/// Source: Firebase's push ids: eight digits of milliseconds, twelve random, in an alphabet of rising ASCII.
fn push_id(text: &str) -> Option<Minted> {
    const ALPHABET: &[u8] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
    // Times since 2005 begin with the hyphen or the digit after it.
    if text.len() != 20 || !text.starts_with('-') {
        return None;
    }
    let mut ms: i64 = 0;
    for (place, byte) in text.bytes().enumerate() {
        let value = ALPHABET.iter().position(|d| *d == byte)? as i64;
        if place < 8 {
            ms = ms << 6 | value;
        }
    }
    Some(millis(ms, 0))
}

/// Source: Twitter's snowflake: 41 bits of milliseconds, 10 of worker, 12 of counter; Mastodon's `timestamp_id`:
/// 48 bits of milliseconds, 16 of counter.
fn snowflake(text: &str, shift: u32, epoch_ms: i64) -> Option<Minted> {
    if !(17..=19).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let id: i64 = text.parse().ok()?;
    Some(millis((id >> shift) + epoch_ms, (id & ((1 << shift) - 1)) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stamp;

    fn at(text: &str) -> i64 {
        Stamp::parse(text.as_bytes()).expect("a time").micros
    }

    #[test]
    fn reads_published_examples() {
        // RFC 9562, appendices A.1, A.5 and A.6; ulid/spec; segmentio/ksuid; rs/xid; MongoDB's manual;
        // Discord's reference; paralleldrive/cuid.
        for (scheme, text, time) in [
            (Scheme::Uuid1, "C232AB00-9414-11EC-B3C8-9F6BDECED846", "2022-02-22 19:22:22Z"),
            (Scheme::Uuid6, "1EC9414C-232A-6B00-B3C8-9F6BDECED846", "2022-02-22 19:22:22Z"),
            (Scheme::Uuid7, "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", "2022-02-22 19:22:22Z"),
            (Scheme::Uuid7, "\\x017f22e279b07cc398c4dc0c0c07398f", "2022-02-22 19:22:22Z"),
            (Scheme::Ulid, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "2016-07-30 23:54:10.259Z"),
            (Scheme::Ulid, "user_01arz3ndektsv4rrffq69g5fav", "2016-07-30 23:54:10.259Z"),
            (Scheme::ObjectId, "507f1f77bcf86cd799439011", "2012-10-17 21:13:27Z"),
            (Scheme::Ksuid, "0ujtsYcgvSTl8PAuAdqWYSMnLOv", "2017-10-10 04:00:47Z"),
            (Scheme::Xid, "9m4e2mr0ui3e8a215n4g", "2011-03-22 17:50:19Z"),
            (Scheme::DiscordSnowflake, "175928847299117063", "2016-04-30 11:18:25.796Z"),
            (Scheme::Cuid, "cjld2cjxh0000qzrmn831i7rn", "2018-08-28 01:59:12.101Z"),
        ] {
            assert_eq!(scheme.read(text).map(|m| m.micros), Some(at(time)), "{} {text}", scheme.as_str());
        }
    }

    #[test]
    fn ids_without_a_clock_have_none() {
        for text in [
            "f81d4fae-7dec-4dd0-a765-00a0c91e6bf6",
            "tz4a98xxat96iws9zmbrgj3a",
            "V1StGXR8_Z5jdHi6B-myT",
            "12345",
            "",
            "00000000-0000-0000-0000-000000000001",
            "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
            "cus_9s6XKzkNRiz8i3",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            let read: Vec<_> = Scheme::ALL.iter().filter(|s| s.read(text).is_some()).collect();
            assert!(read.is_empty(), "{text}: {read:?}");
        }
    }
}
