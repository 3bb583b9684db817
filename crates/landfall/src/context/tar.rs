//! Writes a walked context as a tar, as docker's client would: owners are root's, modes and times
//! are the files' own.

use std::fs::File;
use std::io::{self, Read, Write};

use tar::{Builder, EntryType, Header};

use super::{Context, ContextError, Entry, EntryKind};

impl Context {
    /// Writes the whole tar. A file that changes its size meanwhile is an error, not a broken tar.
    pub(crate) fn write(&self, out: impl Write) -> Result<(), ContextError> {
        let mut builder = Builder::new(out);
        for entry in &self.entries {
            self.append(&mut builder, entry)?;
        }
        if let Some((name, text)) = &self.extra {
            let mut header = header(EntryType::Regular, 0o644, 0);
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, name, text.as_bytes()).map_err(ContextError::Write)?;
        }
        builder.into_inner().and_then(|mut out| out.flush()).map_err(ContextError::Write)
    }

    fn append(&self, builder: &mut Builder<impl Write>, entry: &Entry) -> Result<(), ContextError> {
        match &entry.kind {
            EntryKind::Folder => {
                let mut header = header(EntryType::Directory, entry.mode, entry.modified_s);
                let name = format!("{}/", entry.path);
                builder.append_data(&mut header, name, io::empty()).map_err(ContextError::Write)
            }
            EntryKind::Link { target } => {
                let mut header = header(EntryType::Symlink, 0o777, entry.modified_s);
                builder.append_link(&mut header, &entry.path, target).map_err(ContextError::Write)
            }
            EntryKind::File { size_bytes } => self.append_file(builder, entry, *size_bytes),
        }
    }

    fn append_file(
        &self,
        builder: &mut Builder<impl Write>,
        entry: &Entry,
        size_bytes: u64,
    ) -> Result<(), ContextError> {
        let path = self.root.join(&entry.path);
        let mut file = File::open(&path)
            .map_err(|source| ContextError::Read { path: path.clone(), source })?;
        let mut header = header(EntryType::Regular, entry.mode, entry.modified_s);
        header.set_size(size_bytes);
        let mut content = (&mut file).take(size_bytes);
        builder.append_data(&mut header, &entry.path, &mut content).map_err(ContextError::Write)?;
        let is_short = content.limit() > 0;
        let is_long = file.read(&mut [0; 1]).is_ok_and(|read| read > 0);
        if is_short || is_long { Err(ContextError::Changed(path)) } else { Ok(()) }
    }
}

fn header(kind: EntryType, mode: u32, modified_s: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(modified_s);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}
