//! Proxies' logs: the input is what `--columns` takes, then a log from the second
//! line on, which is read as each format and as the one that is guessed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sidestep_model::access_log::{Chosen, Format, Line, detect, shape};

/// As wide as a sample is shown.
const WIDTH: usize = 120;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let columns = parts.next().unwrap_or_default();
    let log = parts.next().unwrap_or_default();
    let chosen: Chosen = std::str::from_utf8(columns)
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or_default();
    let formats = Format::ALL.into_iter().map(Some).chain([None]);
    for format in formats {
        let Some(mut layout) = detect(log, format, &chosen) else {
            continue;
        };
        assert!(format.is_none_or(|format| format == layout.format()));
        for glance in layout.clone().lines(log) {
            let line = glance.line;
            assert!(glance.host.is_none() || matches!(layout.read(line), Line::Request(_)));
            match layout.read(line) {
                Line::Request(request) => {
                    assert!(glance.host.is_none_or(|host| host == request.host));
                    assert!(!request.host.is_empty());
                    assert_ne!(request.status, Some(0));
                    let _ = request.time.timestamp();
                }
                Line::Fields => layout = layout.renamed(line),
                Line::Remark | Line::Malformed => {}
            }
            let shape = shape(line, WIDTH);
            assert!(shape.len() <= WIDTH && shape.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        }
    }
});
