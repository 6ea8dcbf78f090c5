//! Counts a column's values while they are written: storage classes and lengths. Never judges them.

use crate::model::ValueRef;

/// What one pass tells of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnStats {
    /// NULLs.
    pub(super) nulls: u64,
    /// Integers.
    pub(super) integers: u64,
    /// Binary floats.
    pub(super) reals: u64,
    /// Texts.
    pub(super) texts: u64,
    /// Blobs.
    pub(super) blobs: u64,
    /// Bytes of all texts and blobs.
    pub(super) bytes: u64,
    /// Ones' complement of the shortest, so that zero stands for none yet.
    not_shortest: u32,
    longest: u32,
}

impl ColumnStats {
    /// Starts behind rows that hold NULL.
    pub(super) fn after(nulls: u64) -> Self {
        Self { nulls, ..Self::default() }
    }

    /// Takes one value.
    pub(super) fn add(&mut self, value: ValueRef<'_>) {
        let bytes = match value {
            ValueRef::Null => {
                self.nulls += 1;
                return;
            }
            ValueRef::Integer(_) => {
                self.integers += 1;
                return;
            }
            ValueRef::Real(_) => {
                self.reals += 1;
                return;
            }
            ValueRef::Text(text) => return self.text(text),
            ValueRef::Blob(bytes) => {
                self.blobs += 1;
                bytes
            }
        };
        self.length(bytes);
    }

    /// Takes one text.
    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) {
        self.texts += 1;
        self.length(text);
    }

    #[inline]
    fn length(&mut self, bytes: &[u8]) {
        let len = bytes.len() as u32;
        self.bytes += u64::from(len);
        self.not_shortest = self.not_shortest.max(!len);
        self.longest = self.longest.max(len);
    }

    /// Returns the length of the shortest text or blob, in bytes.
    pub(super) const fn shortest(&self) -> Option<u32> {
        if self.texts + self.blobs == 0 { None } else { Some(!self.not_shortest) }
    }

    /// Returns the length of the longest text or blob, in bytes.
    pub(super) const fn longest(&self) -> Option<u32> {
        if self.texts + self.blobs == 0 { None } else { Some(self.longest) }
    }
}
