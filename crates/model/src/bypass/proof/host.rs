//! The hosts that a request can go to, character by character.

use super::number::Number;
use crate::bypass::Consumer;

/// A host that is being read: a name, or an address.
///
/// Names are those that `System.Uri` takes; of a label's length (63 octets)
/// nothing is known here, and IPv6 addresses are taken somewhat too freely and
/// without a zone. So everything that can be asked for is read, and what is read
/// and cannot be asked for is found out when its URL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Host {
    /// Nothing read yet.
    Start,
    /// A name, or an IPv4 address in any spelling.
    Name(Name),
    /// An IPv6 address, after its `[`.
    Open(Ipv6),
    /// An IPv6 address with its `]`.
    Closed(Kind),
}

/// What a complete host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A name without a dot.
    Dotless,
    /// Any other name.
    Dotted,
    /// An IPv4 address in four decimal parts.
    Quad,
    /// An IPv4 address in another spelling, which .NET never compares.
    Respelt,
    /// An IPv6 address.
    Ipv6 {
        /// `WinINet` never proxies it, unless told to: loopback, link-local.
        implicit: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what a name is made of, each on its own"
)]
pub(super) struct Name {
    /// The label: first, second or a later one.
    label: u8,
    label_is_empty: bool,
    /// A label begins with `-` or `_`, as only a file server's may.
    marked: bool,
    /// The first label holds a letter or a mark, as a file server's must.
    lettered: bool,
    ascii: bool,
    number: Option<Number>,
    is_wininet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ipv6 {
    groups: u8,
    digits: u8,
    colons: u8,
    compressed: bool,
    /// Dots of an IPv4 address at the end.
    dots: u8,
    /// How much of `fe8`, `fe9`, `fea` or `feb` and one digit more the first
    /// group shows: 4 is all of it, 9 none.
    link_local: u8,
    zeros_before: bool,
    /// The group's value: 0, 1 or more.
    value: u8,
}

impl Host {
    /// After one more character; `None` where no host can come of it.
    pub(super) fn step(self, character: char, consumer: Consumer) -> Option<Self> {
        match self {
            Self::Start if character == '[' => Some(Self::Open(Ipv6::START)),
            Self::Start => Name::START.step(character, consumer).map(Self::Name),
            Self::Name(name) => name.step(character, consumer).map(Self::Name),
            Self::Open(address) if character == ']' => address.close().map(Self::Closed),
            Self::Open(address) => address.step(character, consumer).map(Self::Open),
            Self::Closed(_) => None,
        }
    }

    /// What it is, if it is complete.
    pub(super) fn kind(self) -> Option<Kind> {
        match self {
            Self::Start | Self::Open(_) => None,
            Self::Name(name) => name.kind(),
            Self::Closed(kind) => Some(kind),
        }
    }

    /// Whether digits and letters matter of which no list says anything.
    pub(super) fn is_numeric(self) -> bool {
        match self {
            Self::Start | Self::Open(_) => true,
            Self::Name(name) => name.number.is_some(),
            Self::Closed(_) => false,
        }
    }
}

impl Name {
    const START: Self = Self {
        label: 0,
        label_is_empty: true,
        marked: false,
        lettered: false,
        ascii: true,
        number: Some(Number::START),
        is_wininet: false,
    };

    fn step(self, character: char, consumer: Consumer) -> Option<Self> {
        let is_letter = character.is_ascii_lowercase();
        let is_mark = matches!(character, '-' | '_');
        let mut next = self;
        next.number = self.number.and_then(|number| number.step(character));
        // Other spellings of an address are names like any to `WinINet`.
        next.is_wininet = consumer == Consumer::Wininet;
        if next.is_wininet {
            next.number = next.number.filter(|number| number.may_be_quad());
        }
        if character == '.' {
            if self.label_is_empty {
                return None;
            }
            next.label = (self.label + 1).min(2);
            next.label_is_empty = true;
        } else if is_letter || is_mark || character.is_ascii_digit() || character >= '\u{a0}' {
            // The first label vouches for the second (`System.Uri`'s file server names).
            if is_mark && self.label_is_empty {
                if self.label > 1 {
                    return None;
                }
                next.marked = true;
            }
            next.label_is_empty = false;
            next.lettered |= self.label == 0 && (is_letter || is_mark);
            next.ascii &= character.is_ascii();
        } else {
            return None;
        }
        // What no longer matters is forgotten, so that there are fewer states.
        if next.label > 1 && !next.marked {
            (next.lettered, next.ascii) = (false, true);
        }
        Some(next)
    }

    fn kind(self) -> Option<Kind> {
        let is_sound = !self.marked || (self.lettered && self.ascii);
        if !is_sound || (self.label == 0 && self.label_is_empty) {
            return None;
        }
        Some(match self.number {
            Some(number) if number.is_dotted_quad() => Kind::Quad,
            Some(number) if number.is_address() && !self.is_wininet => Kind::Respelt,
            _ if self.label == 0 => Kind::Dotless,
            _ => Kind::Dotted,
        })
    }
}

impl Ipv6 {
    const START: Self = Self {
        groups: 0,
        digits: 0,
        colons: 0,
        compressed: false,
        dots: 0,
        link_local: 0,
        zeros_before: true,
        value: 0,
    };

    fn step(self, character: char, consumer: Consumer) -> Option<Self> {
        let mut next = self;
        match character {
            ':' => {
                let begins = self.groups == 0 && self.digits == 0;
                if self.colons == 2 || self.dots > 0 || (self.colons == 1 && self.compressed) {
                    return None;
                }
                next.colons = self.colons + 1;
                next.compressed |= self.colons == 1;
                next.zeros_before &= begins || self.value == 0;
                (next.digits, next.value) = (0, 0);
                if self.link_local != 4 {
                    next.link_local = 9;
                }
            }
            '.' if self.digits > 0 && self.dots < 3 => {
                next.dots = self.dots + 1;
                (next.digits, next.value) = (0, 0);
            }
            _ => {
                let digit = character.to_digit(16)?;
                if self.dots > 0 && (digit > 9 || self.digits == 3) {
                    return None;
                }
                if self.digits == 0 && self.dots == 0 {
                    // One colon at the very front begins nothing but `::`.
                    if self.groups == 8 || (self.groups == 0 && self.colons == 1) {
                        return None;
                    }
                    next.groups += 1;
                }
                // `System.Uri` writes no leading zeros.
                let led_by_zero = self.digits > 0 && self.value == 0;
                if self.digits == 4 || (led_by_zero && consumer == Consumer::DotnetFramework) {
                    return None;
                }
                next.digits += 1;
                next.colons = 0;
                next.value = match (self.value, digit) {
                    (0, 0) => 0,
                    (0, 1) => 1,
                    _ => 2,
                };
                next.link_local = match (self.link_local, character) {
                    (0, 'f') => 1,
                    (1, 'e') => 2,
                    (2, '8' | '9' | 'a' | 'b') => 3,
                    (3 | 4, _) => 4,
                    _ => 9,
                };
            }
        }
        Some(next)
    }

    fn close(self) -> Option<Kind> {
        let is_ipv4_sound = self.dots == 0 || (self.dots == 3 && self.digits > 0);
        let is_full = self.compressed || self.groups == if self.dots > 0 { 7 } else { 8 };
        let is_sound = self.colons != 1 && is_ipv4_sound && is_full;
        let is_loopback = self.zeros_before && self.value == 1 && self.dots == 0;
        is_sound.then_some(Kind::Ipv6 {
            implicit: is_loopback || self.link_local == 4,
        })
    }
}
