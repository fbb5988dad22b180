//! Marvin32, with which Windows tells a whole log entry from a torn one.

/// What Windows seeds it with for the registry's logs.
const SEED: u64 = 0x82EF_4D88_7A4E_55C5;

pub(super) fn marvin32(data: &[u8]) -> u64 {
    let mut state = State {
        low: (SEED & 0xFFFF_FFFF) as u32,
        high: (SEED >> 32) as u32,
    };
    let (fours, rest) = data.as_chunks::<4>();
    for four in fours {
        state.take(u32::from_le_bytes(*four));
    }
    // The rest, with a one behind its last bit.
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    state.take(u32::from_le_bytes(last));
    state.mix();
    u64::from(state.high) << 32 | u64::from(state.low)
}

struct State {
    low: u32,
    high: u32,
}

impl State {
    fn take(&mut self, word: u32) {
        self.low = self.low.wrapping_add(word);
        self.mix();
    }

    fn mix(&mut self) {
        self.high ^= self.low;
        self.low = self.low.rotate_left(20).wrapping_add(self.high);
        self.high = self.high.rotate_left(9) ^ self.low;
        self.low = self.low.rotate_left(27).wrapping_add(self.high);
        self.high = self.high.rotate_left(19);
    }
}

#[cfg(test)]
mod tests {
    use super::marvin32;

    /// The first 32 bytes of a log entry that Windows wrote, and what it wrote
    /// behind them.
    #[test]
    fn windows_own_sum_is_met() {
        let entry = b"HvLE\x00\x2e\x00\x00\x01\x00\x00\x00\xe0\x0f\x00\x00\x00\xf0\xfa\x00\
                      \x02\x00\x00\x00\xfc\xb6\x46\x7a\xbb\x20\x04\x80";
        assert_eq!(marvin32(entry), 0xf6ae_9b32_88ee_f956);
    }
}
