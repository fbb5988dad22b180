//! Where bytes are, found many at a time.

use wide::u8x16;

/// How many bytes are looked at at once: as many as a word has bits.
pub(super) const BLOCK: usize = u64::BITS as usize;

/// A bit for each place where the byte is, the lowest for the first.
#[inline]
pub(super) fn places(block: &[u8; BLOCK], byte: u8) -> u64 {
    let wanted = u8x16::splat(byte);
    let (parts, _) = block.as_chunks();
    let parts = parts.iter().map(|part| u8x16::new(*part).simd_eq(wanted));
    parts.rev().fold(0, |places, part| {
        places << u16::BITS | u64::from(part.to_bitmask())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_bit() {
        for at in 0..BLOCK {
            let mut block = [b'!'; BLOCK];
            block[at] = b' ';
            block[(at + 7) % BLOCK] = b'\xa0';
            assert_eq!(places(&block, b' '), 1 << at);
        }
        assert_eq!(places(&[b' '; BLOCK], b' '), u64::MAX);
        assert_eq!(places(&[b'\n'; BLOCK], b' '), 0);
    }
}
