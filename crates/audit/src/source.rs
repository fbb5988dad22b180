//! A log, chunk by chunk, each of whole lines.

use std::io::{self, BufReader, Read};
use std::ops::Range;

use flate2::read::MultiGzDecoder;
use memchr::{memchr, memmem, memrchr};
use sidestep_model::access_log::{Chosen, FIELDS, Format, Layout, detect};

use crate::crossing::{MOST_SAMPLES, Sample};

/// As much as stays in a core's cache. A longer line is none.
pub(crate) const CHUNK: usize = 256 * 1024;

/// How a text in UTF-16 begins, as Windows' tools write it.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// Whole lines, and how to read them.
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    range: Range<usize>,
    /// Where `bytes` begin in the log.
    offset: u64,
    pub(crate) layout: Layout,
}

impl Chunk {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; CHUNK],
            range: 0..0,
            offset: 0,
            layout: Layout::Squid,
        }
    }

    pub(crate) fn lines(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }

    /// Where its first line begins in the log.
    pub(crate) fn offset(&self) -> u64 {
        self.offset + self.range.start as u64
    }
}

/// Where a log comes from. Threads take turns at it.
pub(crate) struct Source<R> {
    log: R,
    /// The beginning of a line whose end is not read.
    carry: Vec<u8>,
    /// Within a line that is longer than a chunk.
    is_skipping: bool,
    is_over: bool,
    offset: u64,
    layout: Option<Layout>,
    pub(crate) bytes_read: u64,
    /// Lines that are longer than a chunk.
    pub(crate) overlong: u64,
    /// The first of those.
    pub(crate) samples: Vec<Sample>,
}

/// Why a log gives no more chunks.
pub(crate) enum Fault {
    Read(io::Error),
    /// No line tells its format.
    Format,
    /// It begins as a text in UTF-16 does.
    Utf16,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(log: R) -> Self {
        Self {
            log,
            carry: Vec::new(),
            is_skipping: false,
            is_over: false,
            offset: 0,
            layout: None,
            bytes_read: 0,
            overlong: 0,
            samples: Vec::new(),
        }
    }

    /// Fills a chunk; false when the log is over, or another thread could not go on.
    pub(crate) fn fill(
        &mut self,
        chunk: &mut Chunk,
        forced: Option<Format>,
        chosen: &Chosen,
    ) -> Result<bool, Fault> {
        if self.is_over {
            return Ok(false);
        }
        // Whatever ends this early ends it for every thread.
        self.is_over = true;
        if !self.take(chunk).map_err(Fault::Read)? {
            return Ok(false);
        }
        let is_first = self.layout.is_none();
        if is_first && UTF_16.iter().any(|mark| chunk.lines().starts_with(mark)) {
            return Err(Fault::Utf16);
        }
        let layout = match self.layout.take() {
            Some(layout) => layout,
            None => match detect(chunk.lines(), forced, chosen) {
                Some(layout) => layout,
                None if chunk.lines().trim_ascii().is_empty() => {
                    chunk.range = 0..0;
                    self.is_over = false;
                    return Ok(true);
                }
                None => return Err(Fault::Format),
            },
        };
        self.layout = Some(behind(&layout, chunk.lines()));
        chunk.layout = layout;
        self.is_over = false;
        Ok(true)
    }

    fn take(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        loop {
            let carried = self.carry.len();
            chunk.bytes[..carried].copy_from_slice(&self.carry);
            self.carry.clear();
            let read = read_full(&mut self.log, &mut chunk.bytes[carried..])?;
            self.bytes_read += read as u64;
            let length = carried + read;
            if length == 0 {
                return Ok(false);
            }
            let bytes = &chunk.bytes[..length];
            let is_last = length < CHUNK;
            let mut start = 0;
            if self.is_skipping {
                let Some(end) = memchr(b'\n', bytes) else {
                    self.offset += length as u64;
                    continue;
                };
                self.is_skipping = false;
                start = end + 1;
            } else if self.offset == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
                start = 3;
            }
            let end = match memrchr(b'\n', &bytes[start..]) {
                _ if is_last => length,
                Some(end) => start + end + 1,
                None if start > 0 => start,
                None => {
                    self.is_skipping = true;
                    self.overlong += 1;
                    if self.samples.len() < MOST_SAMPLES {
                        self.samples.push(Sample::new(self.offset, bytes));
                    }
                    self.offset += length as u64;
                    continue;
                }
            };
            self.carry.extend_from_slice(&bytes[end..]);
            chunk.range = start..end;
            chunk.offset = self.offset;
            self.offset += end as u64;
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or nothing is left.
fn read_full(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match log.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The layout behind these lines: W3C's format can name its columns anew.
fn behind(layout: &Layout, lines: &[u8]) -> Layout {
    if !matches!(layout, Layout::W3c(..)) {
        return layout.clone();
    }
    let mut before = lines;
    while let Some(start) = memmem::rfind(before, FIELDS) {
        if start == 0 || before[start - 1] == b'\n' {
            let line = &lines[start..];
            let end = memchr(b'\n', line).unwrap_or(line.len());
            return layout.renamed(&line[..end]);
        }
        before = &before[..start];
    }
    layout.clone()
}

/// The log as text, and whether it is compressed with gzip.
pub(crate) fn decompressed<'l>(
    mut log: impl Read + Send + 'l,
) -> io::Result<(Box<dyn Read + Send + 'l>, bool)> {
    let mut magic = [0; 2];
    let read = read_full(&mut log, &mut magic)?;
    let whole = io::Cursor::new(magic).take(read as u64).chain(log);
    Ok(if magic == [0x1f, 0x8b] {
        let whole = BufReader::with_capacity(64 * 1024, whole);
        (Box::new(MultiGzDecoder::new(whole)), true)
    } else {
        (Box::new(whole), false)
    })
}
