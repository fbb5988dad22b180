//! What a line looks like, without what it says.

/// The shape of a line in at most `width` characters: letters as `a`, digits as
/// `9`, runs of either once. A line that cannot be read can hold anything, a
/// password too, and its shape shows what to look for all the same.
#[must_use]
pub fn shape(line: &[u8], width: usize) -> String {
    let mut shape = String::new();
    let mut last = '\0';
    for byte in line {
        let kind = match byte {
            b'0'..=b'9' => '9',
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => 'a',
            b' '..=b'~' => char::from(*byte),
            _ => '?',
        };
        if kind == last && matches!(kind, '9' | 'a' | ' ') {
            continue;
        }
        if shape.len() == width {
            break;
        }
        shape.push(kind);
        last = kind;
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_word_of_the_line() {
        let line = b"1764000000.129   215 GET https://u:geheim@h.example/x\x1b[1m\xc3\xa9";
        assert_eq!(shape(line, 80), "9.9 9 a a://a:a@a.a/a?[9a");
        assert_eq!(shape(line, 5), "9.9 9");
    }
}
