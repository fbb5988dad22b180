//! What the guest's databases hold.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::setup::Content;

/// Opens the content for reading from its beginning.
pub(crate) async fn open(content: &Content) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
    Ok(match content {
        Content::File(path) => Box::new(tokio::fs::File::open(path).await?),
        Content::Generated { bytes, seed } => Box::new(Generated {
            left: *bytes,
            state: seed | 1,
        }),
    })
}

/// Bytes that look random and are the same every time (xorshift64).
struct Generated {
    left: u64,
    state: u64,
}

impl AsyncRead for Generated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.left > 0 && buffer.remaining() > 0 {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            let word = self.state.to_le_bytes();
            let left = usize::try_from(self.left).unwrap_or(usize::MAX);
            let take = word.len().min(buffer.remaining()).min(left);
            buffer.put_slice(&word[..take]);
            self.left -= take as u64;
        }
        Poll::Ready(Ok(()))
    }
}
