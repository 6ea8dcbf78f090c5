//! A cell as text, and a digest of it that is the same on every machine.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::model::ValueRef;
use crate::model::value::hex_text;

/// Returns a cell as text, `None` for NULL; `digits` is room for a number's.
pub(in crate::detect) fn cell_text<'t>(cell: ValueRef<'t>, digits: &'t mut String) -> Option<Cow<'t, str>> {
    digits.clear();
    Some(match cell {
        ValueRef::Null => return None,
        ValueRef::Integer(n) => {
            let _ = write!(digits, "{n}");
            Cow::Borrowed(digits.as_str())
        }
        ValueRef::Real(x) => {
            let _ = write!(digits, "{x}");
            Cow::Borrowed(digits.as_str())
        }
        ValueRef::Text(text) => simdutf8::basic::from_utf8(text).map_or_else(|_| hex_text(text).into(), Cow::Borrowed),
        ValueRef::Blob(bytes) => hex_text(bytes).into(),
    })
}

/// Hashes a text, the same on every machine.
///
/// Source: FNV-1a, 64 bit, with a final mix (`MurmurHash3`'s) so that the high bits are usable too.
#[must_use]
pub(in crate::detect) fn text_hash(seed: u64, text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed;
    for byte in text.as_bytes() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}
