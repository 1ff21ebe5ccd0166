//! That an answer which is cut off is seen to be.
//!
//! To HTTP/1.1 a body that is cut lacks its last chunk. To HTTP/1.0 a body without a length ends where the connection does,
//! and one that the system closes for us ends like any other: such a connection is reset instead.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::places::Talk;

/// A socket that is reset where it is let go of in the middle of an answer that ends with it.
pub(crate) struct CutStream {
    socket: TcpStream,
    talk: Arc<Talk>,
}

impl CutStream {
    pub(crate) const fn new(socket: TcpStream, talk: Arc<Talk>) -> Self {
        Self { socket, talk }
    }
}

impl Drop for CutStream {
    fn drop(&mut self) {
        if self.talk.is_cut_unseen() {
            // Nothing else can be done where that fails.
            let _ = self.socket.set_zero_linger();
        }
    }
}

impl AsyncRead for CutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
