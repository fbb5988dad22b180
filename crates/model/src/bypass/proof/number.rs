//! Host texts that are made of numbers, character by character.

use std::cmp::Ordering;

/// How much a number of 1 to 4 bytes holds, in decimal.
const BOUNDS: [&[u8]; 4] = [b"255", b"65535", b"16777215", b"4294967295"];

/// A text that may still become an IPv4 address in a spelling that Windows
/// reads: one to four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`),
/// the last filling what is left (_IPv4Address.cs, microsoft/referencesource).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Number {
    part: u8,
    shape: Shape,
    /// Whether every part so far is decimal and without leading zeros.
    plain: bool,
}

/// The part that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Shape {
    Empty,
    Zero,
    /// Its length, and how it compares with the first digits of what one byte
    /// holds and of what is left.
    Decimal(u8, [Ordering; 2]),
    /// Significant digits, and the bits of the first.
    Octal(u8, u8),
    /// Digits written (none makes it no number) and significant digits.
    Hex(bool, u8),
}

impl Number {
    /// Nothing read yet.
    pub(super) const START: Self = Self {
        part: 0,
        shape: Shape::Empty,
        plain: true,
    };

    /// After one more character; `None` where no address can come of it.
    pub(super) fn step(self, character: char) -> Option<Self> {
        let next = if character == '.' {
            let is_part = self.part < 3 && self.fits(1);
            is_part.then_some(Self {
                part: self.part + 1,
                shape: Shape::Empty,
                plain: self.plain && self.is_decimal(),
            })?
        } else {
            let shape = self.shape.step(character, usize::from(4 - self.part))?;
            Self { shape, ..self }
        };
        let is_unfinished = matches!(next.shape, Shape::Empty | Shape::Hex(false, _));
        (is_unfinished || next.is_address()).then_some(next)
    }

    /// Whether it can still become an address in four decimal parts.
    pub(super) fn may_be_quad(self) -> bool {
        self.plain && (self.shape == Shape::Empty || (self.is_decimal() && self.fits(1)))
    }

    /// Whether the text is an address.
    pub(super) fn is_address(self) -> bool {
        self.fits(4 - usize::from(self.part))
    }

    /// Whether it is one in four decimal parts, as `System.Uri` writes it.
    pub(super) fn is_dotted_quad(self) -> bool {
        self.part == 3 && self.plain && self.is_decimal() && self.fits(1)
    }

    fn is_decimal(self) -> bool {
        matches!(self.shape, Shape::Zero | Shape::Decimal(..))
    }

    fn fits(self, bytes: usize) -> bool {
        let count = |digits: u8| usize::from(digits);
        match self.shape {
            Shape::Empty | Shape::Hex(false, _) => false,
            Shape::Zero => true,
            Shape::Decimal(length, compared) => {
                let bound = BOUNDS[bytes - 1].len();
                let compared = compared[usize::from(bytes > 1)];
                count(length) < bound || (count(length) == bound && compared != Ordering::Greater)
            }
            Shape::Octal(digits, bits) => {
                8 * bytes >= count(digits.saturating_sub(1)) * 3 + count(bits)
            }
            Shape::Hex(true, digits) => count(digits) <= 2 * bytes,
        }
    }
}

impl Shape {
    /// After one more digit, where at most `bytes` are left to fill.
    fn step(self, character: char, bytes: usize) -> Option<Self> {
        let digit = |radix| {
            let digit = character.to_digit(radix)?;
            u8::try_from(digit).ok()
        };
        Some(match self {
            Self::Empty if character == '0' => Self::Zero,
            Self::Empty => Self::decimal(0, [Ordering::Equal; 2], digit(10)?, bytes),
            Self::Decimal(length, compared) => Self::decimal(length, compared, digit(10)?, bytes),
            Self::Zero if character == 'x' => Self::Hex(false, 0),
            Self::Zero => Self::octal(0, 0, digit(8)?),
            Self::Octal(digits, bits) => Self::octal(digits, bits, digit(8)?),
            Self::Hex(_, 0) if character == '0' => Self::Hex(true, 0),
            Self::Hex(_, digits) => {
                digit(16)?;
                Self::Hex(true, digits + 1)
            }
        })
    }

    fn decimal(length: u8, mut compared: [Ordering; 2], digit: u8, bytes: usize) -> Self {
        let at = usize::from(length);
        for (ordering, bound) in compared.iter_mut().zip([BOUNDS[0], BOUNDS[bytes - 1]]) {
            match bound.get(at) {
                Some(theirs) if *ordering == Ordering::Equal => {
                    *ordering = (b'0' + digit).cmp(theirs);
                }
                Some(_) => {}
                None => *ordering = Ordering::Greater,
            }
        }
        Self::Decimal(length + 1, compared)
    }

    fn octal(digits: u8, bits: u8, digit: u8) -> Self {
        match (digits, digit) {
            (0, 0) => Self::Octal(0, 0),
            (0, digit) => Self::Octal(1, 8 - u8::try_from(digit.leading_zeros()).unwrap_or(8)),
            (digits, _) => Self::Octal(digits + 1, bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::ipv4;

    fn read(text: &str) -> Option<Number> {
        text.chars().try_fold(Number::START, Number::step)
    }

    #[test]
    fn it_reads_what_the_parser_reads() {
        let parts = [
            "0",
            "1",
            "00",
            "07",
            "08",
            "010",
            "0377",
            "0400",
            "0x",
            "0x0",
            "0xff",
            "0x100",
            "255",
            "256",
            "65535",
            "65536",
            "16777215",
            "16777216",
            "4294967295",
            "4294967296",
            "037777777777",
            "040000000000",
            "0xffffffff",
            "0x100000000",
            "a",
            "",
        ];
        let texts = parts.iter().flat_map(|one| {
            let two = parts.iter().map(move |two| format!("{one}.{two}"));
            let more = parts
                .iter()
                .flat_map(move |two| [format!("1.{one}.{two}"), format!("{one}.2.3.{two}")]);
            two.chain(more).chain([(*one).to_owned()])
        });
        for text in texts.chain(["1.2.3.4.5".to_owned(), "1.2.3.4.".to_owned()]) {
            let number = read(&text);
            let is_address = number.is_some_and(Number::is_address);
            assert_eq!(is_address, ipv4(&text).is_some(), "{text}");
            let is_quad = number.is_some_and(Number::is_dotted_quad);
            let canonical = text.parse::<std::net::Ipv4Addr>().is_ok();
            assert_eq!(is_quad, canonical, "{text}");
        }
    }
}
