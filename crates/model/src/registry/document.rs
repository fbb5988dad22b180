//! A `.reg` file that can be asked and changed.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::ops::Range;

use super::block::{Block, Entry, fold};
use super::encoding::Encoding;
use super::render::render_value;
use super::text::{
    Content, Heading, Meaning, RegistryFileError, RegistryFileErrorKind, SIGNATURE, Statements,
};
use super::value::RegistryData;

/// A registry export, kept as it is written.
///
/// Questions are answered as if the file had been imported into an empty
/// registry: where a value is set twice, the last counts; `"name"=-` and
/// `[-key]` undo what stands before them. Names are compared without regard to
/// case. Only keys that the file names exist, not those above them.
#[derive(Clone, Debug)]
pub struct RegistryFile {
    encoding: Encoding,
    line_ending: &'static str,
    /// Never empty: the first is the signature.
    blocks: Vec<Block>,
    /// Blocks of each key, by its folded name, in the file's order.
    keys: BTreeMap<String, Vec<usize>>,
    /// The folded names in `[-key]`, with their blocks.
    deletions: Vec<(String, usize)>,
}

impl RegistryFile {
    /// An export of nothing, as `regedit` would write it.
    #[must_use]
    pub fn new() -> Self {
        let encoding = Encoding::Utf16Le;
        let line_ending = "\r\n";
        let first_line = SIGNATURE.to_owned() + line_ending;
        let mut signature = Block::new(Heading::Signature, encoding.encode(&first_line));
        signature.entries.push(Entry::blank(encoding, line_ending));
        Self {
            encoding,
            line_ending,
            blocks: vec![signature],
            keys: BTreeMap::new(),
            deletions: Vec::new(),
        }
    }

    /// Reads a file's bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, RegistryFileError> {
        let (encoding, text) = Encoding::decode(bytes)?;
        let mut pieces = Pieces {
            encoding,
            rest: &bytes[encoding.mark().len()..],
        };
        let first_line = signature_line(&text)?;
        let mut blocks = Vec::new();
        let mut block = Block::new(Heading::Signature, pieces.take(first_line));
        let mut statements = Statements::new(&text[first_line.len()..], 2);
        loop {
            let line = statements.line();
            let Some(statement) = statements.next().transpose()? else {
                break;
            };
            let source = pieces.take(statement.source);
            match statement.meaning {
                Meaning::Heading(heading) => {
                    blocks.push(mem::replace(&mut block, Block::new(heading, source)));
                }
                Meaning::Content(Content::Value { .. })
                    if !matches!(block.heading, Heading::Key(_)) =>
                {
                    let kind = RegistryFileErrorKind::ValueWithoutKey;
                    return Err(RegistryFileError { line, kind });
                }
                Meaning::Content(content) => block.entries.push(Entry {
                    source,
                    data: encoding.stored_range(statement.source, statement.data),
                    content,
                }),
            }
        }
        blocks.push(block);
        let has_line_feeds_only = first_line.ends_with('\n') && !first_line.ends_with("\r\n");
        let mut file = Self {
            encoding,
            line_ending: if has_line_feeds_only { "\n" } else { "\r\n" },
            blocks,
            keys: BTreeMap::new(),
            deletions: Vec::new(),
        };
        file.index();
        Ok(file)
    }

    /// The file's bytes: those that were parsed, but for what was changed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.encoding.mark().to_vec();
        for block in &self.blocks {
            bytes.extend_from_slice(&block.source);
            for entry in &block.entries {
                bytes.extend_from_slice(&entry.source);
            }
        }
        bytes
    }

    /// Whether the file names this key.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        self.live_blocks(&fold(key)).next().is_some()
    }

    /// Whether the file names a key strictly below this one.
    #[must_use]
    pub fn has_key_below(&self, prefix: &str) -> bool {
        let prefix = fold(prefix) + "\\";
        self.keys
            .range(prefix.clone()..)
            .take_while(|(key, _)| key.starts_with(&prefix))
            .any(|(key, _)| self.live_blocks(key).next().is_some())
    }

    /// The keys that the file names, each once, in the file's order and spelling.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.blocks
            .iter()
            .enumerate()
            .filter_map(|(index, block)| match &block.heading {
                Heading::Key(key) if self.live_blocks(&fold(key)).next() == Some(index) => {
                    Some(key.as_str())
                }
                _ => None,
            })
    }

    /// One value's data. The name of a key's default value is "".
    #[must_use]
    pub fn value(&self, key: &str, name: &str) -> Option<RegistryData> {
        let (block, entry) = self.last_mention(key, name)?;
        match &self.blocks[block].entries[entry].content {
            Content::Value { data, .. } => data.clone(),
            Content::Blank | Content::Comment => None,
        }
    }

    /// A key's values with their names, in the order of their first mention.
    pub fn values<'s>(
        &'s self,
        key: &str,
    ) -> impl Iterator<Item = (&'s str, RegistryData)> + use<'s> {
        let mut places = HashMap::new();
        let mut values: Vec<(&str, Option<&RegistryData>)> = Vec::new();
        let blocks = self
            .live_blocks(&fold(key))
            .map(|block| &self.blocks[block]);
        for entry in blocks.flat_map(|block| &block.entries) {
            if let Content::Value { name, data } = &entry.content {
                let place = *places.entry(fold(name)).or_insert(values.len());
                match values.get_mut(place) {
                    Some(value) => value.1 = data.as_ref(),
                    None => values.push((name, data.as_ref())),
                }
            }
        }
        values
            .into_iter()
            .filter_map(|(name, data)| Some((name, data?.clone())))
    }

    /// Sets a value. Where the file has it, only its data is rewritten (and
    /// nothing at all if it is the same); otherwise a line is added behind the
    /// key's last value, and a missing key is added at the file's end.
    ///
    /// Key and value names are taken as they are and must not hold line ends.
    pub fn set(&mut self, key: &str, name: &str, data: &RegistryData) {
        if let Some((block, entry)) = self.last_mention(key, name) {
            self.blocks[block].entries[entry].set_data(data, self.encoding, self.line_ending);
            return;
        }
        let line = render_value(name, data, self.line_ending) + self.line_ending;
        let entry = Entry {
            source: self.encoding.encode(&line),
            data: self.data_range(&line, name),
            content: Content::Value {
                name: name.to_owned(),
                data: Some(data.clone()),
            },
        };
        let last_block = self.live_blocks(&fold(key)).last();
        if let Some(block) = last_block {
            let place = self.blocks[block].end_of_values();
            self.end_line_before(block, place);
            self.blocks[block].entries.insert(place, entry);
        } else {
            self.append_block(key, entry);
        }
    }

    /// Takes a value away, with every line that sets it; whether it was there.
    pub fn remove_value(&mut self, key: &str, name: &str) -> bool {
        if self.value(key, name).is_none() {
            return false;
        }
        let blocks: Vec<usize> = self.live_blocks(&fold(key)).collect();
        for block in blocks {
            // Lines `"name"=-` stay: they take nothing away that should be there.
            self.blocks[block].entries.retain(|entry| {
                !(entry.mentions(name)
                    && matches!(entry.content, Content::Value { data: Some(_), .. }))
            });
        }
        true
    }

    /// Takes a key away **if it is empty**: no values, and no keys below it.
    /// Whether it was taken away.
    ///
    /// This undoes the making of a key. What someone else has put into it since
    /// stays, and the key with it; comments stay, too.
    pub fn remove_key(&mut self, key: &str) -> bool {
        let blocks: Vec<usize> = self.live_blocks(&fold(key)).collect();
        if blocks.is_empty() || self.has_key_below(key) || self.values(key).next().is_some() {
            return false;
        }
        for block in blocks.into_iter().rev() {
            let removed = self.blocks.remove(block);
            let comments = removed
                .entries
                .into_iter()
                .skip_while(|entry| entry.content != Content::Comment)
                .filter(|entry| !matches!(entry.content, Content::Value { .. }));
            // A key's block is never the first: the signature is.
            if let Some(before) = block.checked_sub(1) {
                self.blocks[before].entries.extend(comments);
            }
        }
        self.index();
        true
    }

    /// The blocks of a key that no later `[-key]` undoes. `key` is folded.
    fn live_blocks<'s>(&'s self, key: &str) -> impl Iterator<Item = usize> + use<'s> {
        let deleted = self
            .deletions
            .iter()
            .filter(|(deleted, _)| is_at_or_below(key, deleted))
            .map(|(_, block)| *block)
            .max();
        self.keys
            .get(key)
            .into_iter()
            .flatten()
            .copied()
            .filter(move |block| deleted.is_none_or(|deleted| *block > deleted))
    }

    /// The block and entry that decide a value: the last that set or delete it.
    fn last_mention(&self, key: &str, name: &str) -> Option<(usize, usize)> {
        let mut found = None;
        for block in self.live_blocks(&fold(key)) {
            let entries = &self.blocks[block].entries;
            if let Some(entry) = entries.iter().rposition(|entry| entry.mentions(name)) {
                found = Some((block, entry));
            }
        }
        found
    }

    /// Where the data stands in a line that [`render_value`] made, as stored.
    fn data_range(&self, line: &str, name: &str) -> Range<usize> {
        let nothing = RegistryData::Text(String::new());
        let prefix = render_value(name, &nothing, "").len() - "\"\"".len();
        let end = line.len() - self.line_ending.len();
        self.encoding.stored_range(line, prefix..end)
    }

    fn append_block(&mut self, key: &str, entry: Entry) {
        let blank = Entry::blank(self.encoding, self.line_ending);
        let last = self.blocks.len() - 1;
        self.end_line_before(last, self.blocks[last].entries.len());
        let separated = self.blocks[last]
            .entries
            .last()
            .is_some_and(|entry| entry.content == Content::Blank);
        if !separated {
            self.blocks[last].entries.push(blank.clone());
        }
        self.keys.entry(fold(key)).or_default().push(last + 1);
        self.blocks.push(Block {
            heading: Heading::Key(key.to_owned()),
            source: self
                .encoding
                .encode(&format!("[{key}]{}", self.line_ending)),
            entries: vec![entry, blank],
        });
    }

    /// Ends the line before an entry's place, which only a file's last may lack.
    fn end_line_before(&mut self, block: usize, place: usize) {
        let block = &mut self.blocks[block];
        let source = match place.checked_sub(1) {
            Some(before) => &mut block.entries[before].source,
            None => &mut block.source,
        };
        // A file may break off between the two characters of a line end.
        if source.ends_with(&self.encoding.encode("\r")) {
            source.extend(self.encoding.encode("\n"));
        } else if !source.ends_with(&self.encoding.encode("\n")) {
            source.extend(self.encoding.encode(self.line_ending));
        }
    }

    fn index(&mut self) {
        self.keys.clear();
        self.deletions.clear();
        for (index, block) in self.blocks.iter().enumerate() {
            match &block.heading {
                Heading::Signature => {}
                Heading::Key(key) => self.keys.entry(fold(key)).or_default().push(index),
                Heading::DeletedKey(key) => self.deletions.push((fold(key), index)),
            }
        }
    }
}

impl Default for RegistryFile {
    fn default() -> Self {
        Self::new()
    }
}

/// Cuts a file's bytes into the pieces that its text was cut into.
struct Pieces<'b> {
    encoding: Encoding,
    rest: &'b [u8],
}

impl Pieces<'_> {
    fn take(&mut self, text: &str) -> Vec<u8> {
        let length = self.encoding.stored_length(text).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(length);
        self.rest = rest;
        piece.to_vec()
    }
}

fn signature_line(text: &str) -> Result<&str, RegistryFileError> {
    let line = text.split_inclusive('\n').next().unwrap_or(text);
    let kind = match line.trim_end() {
        SIGNATURE => return Ok(line),
        "REGEDIT4" => RegistryFileErrorKind::Regedit4,
        _ => RegistryFileErrorKind::Signature,
    };
    Err(RegistryFileError { line: 1, kind })
}

/// Whether folded `key` is folded `ancestor` or a key below it.
fn is_at_or_below(key: &str, ancestor: &str) -> bool {
    key.strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
}
