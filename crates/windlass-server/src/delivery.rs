//! When an answer was handed over: its charge is open until then.
//!
//! The body is let go of when its last bytes are in the buffers of the connection. A slow client takes these later; so
//! the connection keeps the bill until it has handed all that it had to the system.

use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::billing::Bill;
use crate::places::Talk;

/// The bills of a connection whose answers are in its buffers: in the extensions of its requests.
#[derive(Clone, Default)]
pub(crate) struct Delivery(Arc<Mutex<Vec<Bill>>>);

impl Delivery {
    /// All of an answer is in the buffers, or nobody takes the rest of it.
    pub(crate) fn buffered(&self, bill: Bill) {
        self.bills().push(bill);
    }

    /// What was in the buffers is handed over.
    fn handed_over(&self) {
        let bills = {
            let mut bills = self.bills();
            if bills.is_empty() {
                return;
            }
            mem::take(&mut *bills)
        };
        for bill in bills {
            bill.handed_over();
        }
    }

    fn bills(&self) -> MutexGuard<'_, Vec<Bill>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that says when all that was written to it was handed over.
pub(crate) struct DeliveringStream<S> {
    stream: S,
    delivery: Delivery,
    talk: Arc<Talk>,
}

impl<S> DeliveringStream<S> {
    pub(crate) const fn new(stream: S, delivery: Delivery, talk: Arc<Talk>) -> Self {
        Self {
            stream,
            delivery,
            talk,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DeliveringStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DeliveringStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The connection calls it when its own buffers are empty, and only then.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.delivery.handed_over();
        self.talk.handed_over();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
