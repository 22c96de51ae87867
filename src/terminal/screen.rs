//! A terminal that a program fills: what happens, and the pages it shows.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::Signal;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;

use super::decode::Decoder;
use super::device::Device;
use super::event::{End, Event, Key};
use super::look::Look;
use super::paint;
use super::signals::{Meaning, Signals, suffer, suffer_together};
use super::size::size;
use crate::clock;
use crate::limits::{TERMINAL_ESCAPE_WAIT, TERMINAL_READ_BYTES};

/// The terminal of this process. It is restored when this is dropped, and by a panic.
pub struct Screen {
    look: Look,
    // Restored before the signals take effect again.
    device: Device,
    signals: Signals,
    waker: Waker,
    decoder: Decoder,
    /// What has happened and was not asked for yet.
    events: VecDeque<Event>,
    /// What the terminal shows; none if that is unknown.
    shown: Option<Buffer>,
}

/// Has a [`Screen`] return [`Event::Woken`], from another thread.
#[derive(Clone)]
pub struct Waker(Arc<EventFd>);

impl Waker {
    /// Wakes it. Several times before it looks are once.
    pub fn wake(&self) {
        // Full it wakes anyway.
        let _ = self.0.write(1);
    }
}

impl Screen {
    /// Takes the terminal of this process. To be called before other threads are started, as those would get the signals.
    ///
    /// # Errors
    /// There is no terminal.
    pub fn open(look: Look) -> io::Result<Screen> {
        let signals = Signals::take()?;
        let waker = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        Ok(Screen {
            look,
            device: Device::open()?,
            signals,
            waker: Waker(Arc::new(waker)),
            decoder: Decoder::default(),
            events: VecDeque::new(),
            shown: None,
        })
    }

    /// What wakes it.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// The size of the terminal now.
    pub fn area(&self) -> Rect {
        size(&self.device)
    }

    /// Shows a page of the terminal's size, which `fill` is given empty. Returns once the terminal has taken it, however slow
    /// the line to it is.
    ///
    /// # Errors
    /// The terminal is gone, or the program was told to end meanwhile: the next [`wait`](Self::wait) says so.
    pub fn draw(&mut self, fill: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        let mut page = Buffer::empty(self.area());
        fill(&mut page);
        self.look.mute(&mut page);
        let before = self.shown.take().filter(|shown| shown.area == page.area);
        let bytes = match &before {
            Some(before) => paint::changes(before, &page),
            None => paint::CLEAR.to_owned() + &paint::changes(&Buffer::empty(page.area), &page),
        };
        self.write(bytes.as_bytes())?;
        self.shown = Some(page);
        Ok(())
    }

    /// Waits for something to happen, at most so long; none if nothing did.
    pub fn wait(&mut self, time: Duration) -> Option<Event> {
        let deadline_us = clock::mono_us().saturating_add(clock::micros(time));
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let left = Duration::from_micros(deadline_us.saturating_sub(clock::mono_us()));
            // What may be the beginning of a key is waited for, also beyond the time: a line may tear a key in two.
            let is_waiting = self.decoder.is_waiting();
            let came = self.poll(PollFlags::POLLIN, if is_waiting { TERMINAL_ESCAPE_WAIT } else { left });
            match (came, is_waiting) {
                (Some(false), true) => self.events.extend(self.decoder.give_up()),
                (Some(false), false) => return None,
                _ => {}
            }
        }
    }

    /// Waits for input, or for room for output, and takes what came. Whether anything did; none if it is unknown.
    fn poll(&mut self, of_terminal: PollFlags, wait: Duration) -> Option<bool> {
        // Rounded up, so that nothing spins before a deadline.
        let wait = PollTimeout::try_from(wait + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX);
        let mut files = [
            PollFd::new(self.device.as_fd(), of_terminal),
            PollFd::new(self.signals.file.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.waker.0.as_fd(), PollFlags::POLLIN),
        ];
        // Who waits for room is not woken: that is for the next page.
        let waits_for = if of_terminal == PollFlags::POLLOUT { &mut files[..2] } else { &mut files[..] };
        match poll(waits_for, wait) {
            Ok(0) => return Some(false),
            Ok(_) => {}
            Err(Errno::EINTR) => return None,
            Err(_) => {
                self.events.push_back(Event::End(End::Vanished));
                return Some(true);
            }
        }
        let [terminal, signals, waker] = files.map(|file| file.revents().unwrap_or(PollFlags::empty()));
        if !signals.is_empty() {
            self.take_signals();
        }
        if !waker.is_empty() && self.waker.0.read().is_ok() {
            self.events.push_back(Event::Woken);
        }
        if terminal.intersects(PollFlags::POLLIN) {
            self.take_input();
        } else if terminal.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
            self.events.push_back(Event::End(End::Vanished));
        }
        Some(true)
    }

    fn take_input(&mut self) {
        let mut buffer = [0; TERMINAL_READ_BYTES];
        match self.device.read(&mut buffer) {
            Ok(count) => {
                for event in self.decoder.take(&buffer[..count]) {
                    // The terminal is raw, so what stops a program comes as a key.
                    if event == Event::Key(Key::Ctrl('z')) {
                        self.stop(suffer_together);
                    } else {
                        self.events.push_back(event);
                    }
                }
            }
            Err(_) => self.events.push_back(Event::End(End::Vanished)),
        }
    }

    fn take_signals(&mut self) {
        while let Some(meaning) = self.signals.next() {
            match meaning {
                Meaning::Resized => self.redraw(),
                Meaning::Stop => self.stop(suffer),
                Meaning::Continued => self.come_back(),
                Meaning::End(signal) => self.events.push_back(Event::End(End::Signal(signal))),
            }
        }
    }

    /// Has all drawn anew: once, however often the size changed since.
    fn redraw(&mut self) {
        if self.events.back() != Some(&Event::Redraw) {
            self.events.push_back(Event::Redraw);
        }
    }

    /// Stops, as a job of a shell does, and goes on when it is continued.
    fn stop(&mut self, suffer: fn(Signal)) {
        self.device.leave();
        suffer(Signal::SIGTSTP);
        self.come_back();
    }

    fn come_back(&mut self) {
        self.shown = None;
        match self.device.enter() {
            Ok(()) => self.redraw(),
            Err(_) => self.events.push_back(Event::End(End::Vanished)),
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.device.write(bytes);
            if written.is_err() {
                self.events.push_back(Event::End(End::Vanished));
            }
            let count = written?;
            bytes = &bytes[count..];
            if count == 0 {
                self.poll(PollFlags::POLLOUT, Duration::from_secs(1));
                if self.events.iter().any(|event| matches!(event, Event::End(_))) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
            }
        }
        Ok(())
    }
}

impl End {
    /// Ends the process in the way that it was to end. To be called when the [`Screen`] has been dropped. Returns if the
    /// terminal vanished.
    pub fn follow(self) {
        if let End::Signal(signal) = self {
            suffer(signal);
        }
    }
}
