//! Finds the bytes that end cells and rows, a block at a time. Looks at no byte's meaning.

/// Bytes looked at together.
const BLOCK: usize = 64;

/// Walks the places of up to `N` ASCII bytes in a text.
#[derive(Clone, Debug)]
pub(super) struct Specials<'a, const N: usize> {
    text: &'a [u8],
    needles: [u8; N],
    /// Where the block at hand begins, and which of its bytes are still to come.
    block: usize,
    found: u64,
}

impl<'a, const N: usize> Specials<'a, N> {
    /// Starts at the beginning of `text`.
    pub(super) fn new(text: &'a [u8], needles: [u8; N]) -> Self {
        let mut specials = Self { text, needles, block: 0, found: 0 };
        specials.found = specials.look(0);
        specials
    }

    /// Looks at the block that begins at `start`: one bit a byte.
    #[inline]
    fn look(&self, start: usize) -> u64 {
        if let Some(block) = self.text.get(start..start + BLOCK) {
            return mask_block(block, self.needles);
        }
        let rest = self.text.get(start..).unwrap_or_default();
        let hit = |byte: &u8| self.needles.contains(byte);
        rest.iter().enumerate().fold(0, |mask, (place, byte)| mask | u64::from(hit(byte)) << place)
    }

    /// Goes on at `place`, which lies behind the last byte found.
    pub(super) fn skip_to(&mut self, place: usize) {
        self.block = place - place % BLOCK;
        let ahead = place % BLOCK;
        self.found = self.look(self.block) >> ahead << ahead;
    }
}

impl<const N: usize> Iterator for Specials<'_, N> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            self.block += BLOCK;
            if self.block >= self.text.len() {
                self.block = self.text.len();
                return None;
            }
            self.found = self.look(self.block);
        }
        let place = self.block + self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(place)
    }
}

/// Returns one bit for each byte of a block that is one of the needles.
///
/// The first loop is what compilers turn into vector comparisons; the second gathers the low bits of eight
/// bytes with one multiplication.
#[inline]
fn mask_block<const N: usize>(block: &[u8], needles: [u8; N]) -> u64 {
    let mut hits = [0_u8; BLOCK];
    for (hit, byte) in hits.iter_mut().zip(block) {
        let mut any = 0;
        for needle in needles {
            any |= u8::from(*byte == needle);
        }
        *hit = any;
    }
    let mut mask = 0;
    for (place, part) in hits.chunks_exact(8).enumerate() {
        let word = u64::from_le_bytes(<[u8; 8]>::try_from(part).unwrap_or_default());
        mask |= (word.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * place);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_plain_search_finds() {
        let text: Vec<u8> = (0..1000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for from in 0..130 {
            for len in [0, 1, 7, 63, 64, 65, 127, 200, 870] {
                let part = &text[from..from + len];
                let plain: Vec<usize> = (0..len).filter(|n| [b'\n', b',', b'"'].contains(&part[*n])).collect();
                assert_eq!(Specials::new(part, [b'\n', b',', b'"']).collect::<Vec<_>>(), plain);
                for skip in [0, len / 3, len] {
                    let mut specials = Specials::new(part, [b'\n', b',', b'"']);
                    specials.skip_to(skip);
                    assert_eq!(specials.collect::<Vec<_>>(), plain.iter().copied().filter(|n| *n >= skip).collect::<Vec<_>>());
                }
            }
        }
    }
}
