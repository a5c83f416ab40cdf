//! The relay as a process: how it starts, refuses to start, and stops.

mod provider;
mod relay;
mod serving;
mod starting;
mod stopping;
