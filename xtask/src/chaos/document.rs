//! `docs/chaos.md`: written block by block, so that a run of one part leaves what others found.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::cmd::root;

const INTRODUCTION: &str = include_str!("introduction.md");
const BEGIN: &str = "<!-- block: ";
const END: &str = "<!-- end -->";

/// The document, from the side of one engine.
pub(super) struct Document {
    path: PathBuf,
    engine: String,
}

/// One run's finding.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    engine: String,
    title: String,
    text: String,
}

impl Document {
    pub(super) fn open(engine: &str) -> Self {
        Self { path: root().join("docs/chaos.md"), engine: engine.to_owned() }
    }

    /// Puts a block in place of the one of this title, or at the end of this engine's.
    pub(super) fn put(&mut self, title: &str, text: &str) -> io::Result<()> {
        let mut blocks = parse(&fs::read_to_string(&self.path).unwrap_or_default());
        let (engine, title, text) = (self.engine.clone(), title.to_owned(), text.trim().to_owned());
        put(&mut blocks, Block { engine, title, text });
        fs::write(&self.path, render(&blocks))
    }
}

fn put(blocks: &mut Vec<Block>, new: Block) {
    let same = |block: &&mut Block| block.engine == new.engine && block.title == new.title;
    if let Some(block) = blocks.iter_mut().find(same) {
        *block = new;
    } else {
        let last = blocks.iter().rposition(|block| block.engine <= new.engine);
        blocks.insert(last.map_or(0, |last| last + 1), new);
    }
}

fn parse(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for piece in document.split(BEGIN).skip(1) {
        let Some((head, rest)) = piece.split_once(" -->\n") else { continue };
        let Some((engine, title)) = head.split_once(": ") else { continue };
        let text = rest.split(END).next().unwrap_or_default().trim().to_owned();
        blocks.push(Block { engine: engine.to_owned(), title: title.to_owned(), text });
    }
    blocks
}

fn render(blocks: &[Block]) -> String {
    let mut document = INTRODUCTION.trim_end().to_owned() + "\n";
    let mut engine = "";
    for block in blocks {
        if block.engine != engine {
            engine = &block.engine;
            let _ = writeln!(document, "\n## Engine `{engine}`");
        }
        let Block { engine, title, text } = block;
        let _ = writeln!(document, "\n{BEGIN}{engine}: {title} -->\n{text}\n{END}");
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(engine: &str, title: &str, text: &str) -> Block {
        Block { engine: engine.into(), title: title.into(), text: text.into() }
    }

    #[test]
    fn a_partial_run_updates_its_own_block_only() {
        let mut blocks = Vec::new();
        for (engine, title, text) in
            [("20.10", "a", "1"), ("newest", "a", "2"), ("20.10", "b", "3"), ("20.10", "a", "4")]
        {
            put(&mut blocks, block(engine, title, text));
        }
        let expected =
            [block("20.10", "a", "4"), block("20.10", "b", "3"), block("newest", "a", "2")];
        assert_eq!(blocks, expected);
        assert_eq!(parse(&render(&blocks)), expected);
    }
}
