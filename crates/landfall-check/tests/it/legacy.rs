//! Older layouts of five kinds of systems, and what has to be found in them.
