//! A body written by a blocking thread and sent by the connection, through a bounded channel.

use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Size of a chunk, in bytes. A body that fits in one has a `content-length`.
const CHUNK_BYTES: usize = 65_536;
/// Chunks that wait between the writer and a slow client.
const CHUNKS_WAITING_MAX: usize = 4;

enum Message {
    Chunk(Bytes),
    /// All is written. Without it, a channel that closes means that the writer gave up.
    End,
}

/// What a body begins with.
pub(crate) enum Begun {
    /// All of it.
    Whole(Bytes),
    /// A part; more follows.
    Part(Body),
}

/// Writes a body for a client, on a thread that may block.
///
/// `start` gets what it begins with: with the first full chunk, or with [`finish`](Self::finish) where all fits
/// in one.
pub(crate) struct BodyWriter<S> {
    start: Option<S>,
    buffer: Vec<u8>,
    sender: Option<mpsc::Sender<Message>>,
    runtime: Handle,
    stall_time_max: Duration,
}

impl<S: FnOnce(Begun)> BodyWriter<S> {
    pub(crate) fn new(start: S, runtime: Handle, stall_time_max: Duration) -> Self {
        Self {
            start: Some(start),
            buffer: Vec::with_capacity(CHUNK_BYTES),
            sender: None,
            runtime,
            stall_time_max,
        }
    }

    /// Sends what is left. Without it the client sees that the body is incomplete.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if let Some(start) = self.start.take() {
            start(Begun::Whole(mem::take(&mut self.buffer).into()));
            return Ok(());
        }
        self.send_buffer()?;
        self.send(Message::End)
    }

    fn send_buffer(&mut self) -> io::Result<()> {
        if let Some(start) = self.start.take() {
            let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
            self.sender = Some(sender);
            let ended = false;
            start(Begun::Part(Body::new(ChannelBody { receiver, ended })));
        }
        let full = mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK_BYTES));
        self.send(Message::Chunk(full.into()))
    }

    fn send(&self, message: Message) -> io::Result<()> {
        let Some(sender) = &self.sender else {
            return Ok(());
        };
        match self
            .runtime
            .block_on(async { timeout(self.stall_time_max, sender.send(message)).await })
        {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the client has gone",
            )),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the client took nothing for {:?}", self.stall_time_max),
            )),
        }
    }
}

impl<S: FnOnce(Begun)> io::Write for BodyWriter<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() >= CHUNK_BYTES {
            self.send_buffer()?;
        }
        let fits = bytes.len().min(CHUNK_BYTES - self.buffer.len());
        self.buffer
            .extend_from_slice(bytes.get(..fits).unwrap_or_default());
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body of one chunk: what does not fit is an error.
#[derive(Debug)]
pub(crate) struct OneChunk(Vec<u8>);

impl OneChunk {
    /// With room for a page of ten rows.
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(4096))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl io::Write for OneChunk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > CHUNK_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The connection's side of the channel.
struct ChannelBody {
    receiver: mpsc::Receiver<Message>,
    ended: bool,
}

impl HttpBody for ChannelBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let message = ready!(self.receiver.poll_recv(context));
        if let Some(Message::Chunk(chunk)) = message {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        self.ended = true;
        Poll::Ready(match message {
            Some(_) => None,
            // An error closes the connection without the mark of the body's end.
            None => Some(Err(io::Error::other("the answer was cut off"))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
