//! The ports that a URL can name beside its scheme's own, digit by digit.

use std::cmp::Ordering;

const HIGHEST: &[u8] = b"65535";

/// A port that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Port {
    length: u8,
    /// How it compares with the first digits of the highest port.
    compared: Ordering,
    is_zero: bool,
    /// The scheme's own port, while the digits are its first.
    own: Option<u16>,
}

impl Port {
    /// After the colon.
    pub(super) fn before(own: u16) -> Self {
        Self {
            length: 0,
            compared: Ordering::Equal,
            is_zero: false,
            own: Some(own),
        }
    }

    /// After one more digit; `None` where that is no port.
    pub(super) fn step(self, character: char) -> Option<Self> {
        let at = usize::from(self.length);
        // Destinations are compared without leading zeros.
        if !character.is_ascii_digit() || self.is_zero || at == HIGHEST.len() {
            return None;
        }
        let compared = match (self.compared, HIGHEST.get(at)) {
            (Ordering::Equal, Some(highest)) => u8::try_from(character).ok()?.cmp(highest),
            (compared, _) => compared,
        };
        let is_default_so_far = self.own.filter(|port| {
            let digits = port.to_string();
            digits[at.min(digits.len())..].starts_with(character)
        });
        let next = Self {
            length: self.length + 1,
            compared,
            is_zero: at == 0 && character == '0',
            own: is_default_so_far,
        };
        let too_high = at + 1 == HIGHEST.len() && compared == Ordering::Greater;
        (!too_high).then_some(next)
    }

    /// Whether it is a port, and not the scheme's own, which is left out.
    pub(super) fn is_complete(self) -> bool {
        let is_default = self
            .own
            .is_some_and(|port| port.to_string().len() == usize::from(self.length));
        self.length > 0 && !is_default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_but_the_default_is_read() {
        let read = |text: &str| {
            let port = text.chars().try_fold(Port::before(443), Port::step);
            port.is_some_and(Port::is_complete)
        };
        for port in 0..=u16::MAX {
            assert_eq!(read(&port.to_string()), port != 443, "{port}");
        }
        for text in ["", "00", "080", "65536", "99999", "100000", "4a"] {
            assert!(!read(text), "{text}");
        }
    }
}
