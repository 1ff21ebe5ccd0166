//! A body written by a blocking thread and sent by the connection, through a bounded channel.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// Size of a chunk, in bytes. A body that fits in one has a `content-length`.
const CHUNK_BYTES: usize = 65_536;
/// Chunks that wait between the writer and a slow client.
const CHUNKS_WAITING_MAX: usize = 4;

enum Message {
    Chunk(Bytes),
    /// All is written. Without it, a channel that closes means that the writer gave up.
    End,
    /// The rest cannot be made, which is no fault of the client's.
    Failed,
}

/// What a body begins with.
pub(crate) enum Begun {
    /// All of it.
    Whole(Bytes),
    /// A part; more follows.
    Part(Body),
}

/// The rest of a body does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer was cut off")]
pub(crate) struct CutOff {
    /// Whether it could not be made. Else the client took nothing of it any more.
    pub(crate) could_not_be_made: bool,
}

/// What bounds the making of a body.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// How long a client may take nothing.
    pub(crate) stall_time_max: Duration,
    /// How long a chunk may take to be made, from the second one on.
    pub(crate) chunk_time_max: Duration,
    /// Set where the rest must not be made: that took too long, or the client has gone.
    pub(crate) cancel: Arc<AtomicBool>,
}

/// What the thread that writes a body does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Making,
    /// It waits for the client.
    Sending,
}

type Start<'a, E> = Box<dyn FnOnce(Result<Begun, E>) + Send + 'a>;

/// Writes a body for a client, on a thread that may block.
///
/// `start` gets what it begins with: with the first full chunk, or with [`finish`](Self::finish) where all fits
/// in one; or that there is none.
pub(crate) struct BodyWriter<'a, E> {
    start: Option<Start<'a, E>>,
    buffer: Vec<u8>,
    sender: Option<mpsc::Sender<Message>>,
    doing: Option<watch::Sender<Doing>>,
    runtime: Handle,
    bounds: Bounds,
    /// Whether the client took nothing of what was sent.
    is_cut: bool,
}

impl<'a, E> BodyWriter<'a, E> {
    pub(crate) fn new(
        start: impl FnOnce(Result<Begun, E>) + Send + 'a,
        runtime: Handle,
        bounds: Bounds,
    ) -> Self {
        Self {
            start: Some(Box::new(start)),
            buffer: Vec::with_capacity(CHUNK_BYTES),
            sender: None,
            doing: None,
            runtime,
            bounds,
            is_cut: false,
        }
    }

    /// Sends what is left. Without it the client sees that the body is incomplete.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if let Some(start) = self.start.take() {
            start(Ok(Begun::Whole(mem::take(&mut self.buffer).into())));
            return Ok(());
        }
        self.send_buffer()?;
        self.send(Message::End)
    }

    /// Whether somebody waits for more, as far as is known: the client has not gone, and takes what it is sent.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.is_cut
            && self
                .sender
                .as_ref()
                .is_none_or(|sender| !sender.is_closed())
    }

    /// Says that the rest, or all of it, cannot be made.
    pub(crate) fn fail(mut self, error: E) {
        match self.start.take() {
            Some(start) => start(Err(error)),
            // A client that has gone does not hear it.
            None => drop(self.send(Message::Failed)),
        }
    }

    fn send_buffer(&mut self) -> io::Result<()> {
        if let Some(start) = self.start.take() {
            let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
            self.sender = Some(sender);
            let (doing, done) = watch::channel(Doing::Sending);
            self.doing = Some(doing);
            let bounds = &self.bounds;
            let watched = cancel_slow(done, bounds.chunk_time_max, Arc::clone(&bounds.cancel));
            self.runtime.spawn(watched);
            start(Ok(Begun::Part(Body::new(ChannelBody {
                receiver,
                ended: false,
                cancel: Arc::clone(&bounds.cancel),
            }))));
        }
        let full = mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK_BYTES));
        let sent = self.send(Message::Chunk(full.into()));
        self.is_cut |= sent.is_err();
        sent
    }

    fn send(&self, message: Message) -> io::Result<()> {
        let Some(sender) = &self.sender else {
            return Ok(());
        };
        self.say(Doing::Sending);
        let stall_time_max = self.bounds.stall_time_max;
        let sent = async { timeout(stall_time_max, sender.send(message)).await };
        let sent = self.runtime.block_on(sent);
        self.say(Doing::Making);
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the client has gone",
            )),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the client took nothing for {stall_time_max:?}"),
            )),
        }
    }

    fn say(&self, what: Doing) {
        if let Some(doing) = &self.doing {
            doing.send_replace(what);
        }
    }
}

impl<E> Drop for BodyWriter<'_, E> {
    /// Where whoever writes panics, the client has what it paid for cut off, and hears so.
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(sender) = self.sender.take()
        {
            let say = async move { drop(sender.send(Message::Failed).await) };
            self.runtime.spawn(say);
        }
    }
}

/// Sets `cancel` where one chunk takes longer than `time_max` to be made. Ends with who makes them.
async fn cancel_slow(
    mut doing: watch::Receiver<Doing>,
    time_max: Duration,
    cancel: Arc<AtomicBool>,
) {
    loop {
        let is_making = *doing.borrow_and_update() == Doing::Making;
        match timeout(time_max, doing.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) if is_making => {
                cancel.store(true, Ordering::Relaxed);
                return;
            }
            Err(_) => {}
        }
    }
}

impl<E> io::Write for BodyWriter<'_, E> {
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
    /// Set where the connection wants no more of it.
    cancel: Arc<AtomicBool>,
}

impl Drop for ChannelBody {
    fn drop(&mut self) {
        if !self.ended {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}

impl HttpBody for ChannelBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let message = ready!(self.receiver.poll_recv(context));
        // An error closes the connection without the mark of the body's end.
        let cut_off = |could_not_be_made| Some(Err(CutOff { could_not_be_made }));
        let frame = match message {
            Some(Message::Chunk(chunk)) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Some(Message::End) => None,
            Some(Message::Failed) => cut_off(true),
            None => cut_off(false),
        };
        self.ended = true;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io::Write;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread::JoinHandle;

    use http_body_util::BodyExt;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const NEVER: Duration = Duration::from_secs(600);

    type Begins = Receiver<Result<Begun, &'static str>>;

    /// Runs `write` on a thread of its own; gives what the body begins with, and the flag.
    fn begin(
        chunk_time_max: Duration,
        write: impl FnOnce(BodyWriter<'_, &'static str>, Arc<AtomicBool>) + Send + 'static,
    ) -> (Begins, Arc<AtomicBool>, JoinHandle<()>) {
        let cancel = Arc::new(AtomicBool::new(false));
        let bounds = Bounds {
            stall_time_max: NEVER,
            chunk_time_max,
            cancel: Arc::clone(&cancel),
        };
        let (sender, begun) = channel();
        let start = move |begins| sender.send(begins).unwrap();
        let writer = BodyWriter::new(start, Handle::current(), bounds);
        let flag = Arc::clone(&cancel);
        (begun, cancel, thread::spawn(move || write(writer, flag)))
    }

    fn is_set_in_time(flag: &AtomicBool) -> bool {
        (0..1000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            flag.load(Ordering::Relaxed)
        })
    }

    fn part(begun: &Begins) -> Body {
        match begun.recv().unwrap() {
            Ok(Begun::Part(body)) => body,
            _ => unreachable!("more than a chunk was written"),
        }
    }

    fn cut_off(error: &axum::Error) -> Option<&CutOff> {
        error.source().and_then(|source| source.downcast_ref())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_rest_that_takes_too_long_is_cancelled_and_said_to_fail() {
        let (begun, _, thread) = begin(SOON, |mut writer, cancel| {
            writer.write_all(&[1; CHUNK_BYTES + 1]).unwrap();
            assert!(is_set_in_time(&cancel));
            writer.fail("cancelled");
        });
        let body = tokio::task::spawn_blocking(move || part(&begun)).await;
        let error = body.unwrap().collect().await.unwrap_err();
        let could_not_be_made = true;
        assert_eq!(cut_off(&error), Some(&CutOff { could_not_be_made }));
        thread.join().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_is_said_to_fail() {
        let (begun, _, thread) = begin(NEVER, |mut writer, _| {
            writer.write_all(&[1; CHUNK_BYTES + 1]).unwrap();
            std::panic::resume_unwind(Box::new(()));
        });
        let body = tokio::task::spawn_blocking(move || part(&begun)).await;
        let error = body.unwrap().collect().await.unwrap_err();
        let could_not_be_made = true;
        assert_eq!(cut_off(&error), Some(&CutOff { could_not_be_made }));
        assert!(thread.join().is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_waits_between_chunks_is_waited_for() {
        let (begun, cancel, thread) = begin(SOON, |mut writer, _| {
            for _ in 0..8 {
                writer.write_all(&[1; CHUNK_BYTES]).unwrap();
            }
            writer.finish().unwrap();
        });
        let body = tokio::task::spawn_blocking(move || part(&begun)).await;
        // The writer waits for a place among the chunks; that is not its own time.
        tokio::time::sleep(SOON * 5).await;
        let bytes = body.unwrap().collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len(), 8 * CHUNK_BYTES);
        thread.join().unwrap();
        assert!(!cancel.load(Ordering::Relaxed));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_goes_cancels_the_rest() {
        let (begun, cancel, thread) = begin(NEVER, |mut writer, cancel| {
            // The client may be gone before all of it is written.
            let _ = writer.write_all(&[1; CHUNK_BYTES + 1]);
            assert!(is_set_in_time(&cancel));
            assert!((0..1000).any(|_| {
                thread::sleep(Duration::from_millis(1));
                !writer.is_wanted()
            }));
        });
        let body = tokio::task::spawn_blocking(move || part(&begun)).await;
        assert!(!cancel.load(Ordering::Relaxed));
        drop(body.unwrap());
        thread.join().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_fails_before_the_first_chunk_begins_with_why() {
        let (begun, _, thread) = begin(NEVER, |mut writer, _| {
            writer.write_all(&[1; 10]).unwrap();
            writer.fail("damaged");
        });
        thread.join().unwrap();
        assert!(matches!(begun.recv().unwrap(), Err("damaged")));
    }
}
