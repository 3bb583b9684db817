//! The deploy transaction: driver, steps, recovery, and the ports they need.
