use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::model::{InvalidMasterKey, MasterKey};
use crate::types::{Entropy, EntropyError};

/// A file with a master key could not be read or made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MasterKeyFileError {
    /// The file could not be read or written.
    #[error("the file of the master key cannot be read or made")]
    Io(#[from] io::Error),
    /// The file holds something else.
    #[error("the file of the master key holds no key: {0}")]
    Invalid(#[from] InvalidMasterKey),
    /// There was no randomness for a new key.
    #[error("{0}")]
    Entropy(#[from] EntropyError),
}

impl MasterKey {
    /// Reads the key in the file at `path`; if there is none, makes one with a
    /// new key, for the user of this process alone.
    ///
    /// For a service on one machine. Keep the file apart from the backups of the
    /// store: it opens what is in them, and without it nobody can.
    ///
    /// # Errors
    ///
    /// [`MasterKeyFileError`] if the file cannot be read or made, or holds
    /// something else.
    pub fn load_or_create(
        path: impl AsRef<Path>,
        entropy: &dyn Entropy,
    ) -> Result<Self, MasterKeyFileError> {
        let path = path.as_ref();
        match fs::read_to_string(path).map(Zeroizing::new) {
            Ok(text) => Ok(Self::parse(text.trim_end())?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path, entropy)?;
                let text = Zeroizing::new(fs::read_to_string(path)?);
                Ok(Self::parse(text.trim_end())?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes the file with everything in it, unless another process was faster.
fn create(path: &Path, entropy: &dyn Entropy) -> Result<(), MasterKeyFileError> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut())?;
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes));
    let unfinished = path.with_extension(format!("{}.new", entropy.identifier()?));
    let mut file = fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        file.mode(0o600);
    }
    let mut file = file.open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let made = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SystemEntropy;

    fn folder(name: &str) -> std::path::PathBuf {
        let unique = (&SystemEntropy as &dyn Entropy).identifier().unwrap();
        let folder = std::env::temp_dir().join(format!("oauth-for-mcp-{name}-{unique}"));
        fs::create_dir(&folder).unwrap();
        folder
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let folder = folder("key");
        let path = folder.join("master.key");
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || MasterKey::load_or_create(path, &SystemEntropy))
            })
            .collect();
        let ids = starts
            .into_iter()
            .map(|start| start.join().unwrap().unwrap().id());
        let ids: Vec<_> = ids.collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_holds_something_else_is_left_alone() {
        let folder = folder("other");
        let path = folder.join("master.key");
        fs::write(&path, "no key").unwrap();
        let refused = MasterKey::load_or_create(&path, &SystemEntropy);
        assert!(matches!(refused, Err(MasterKeyFileError::Invalid(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "no key");
        let nowhere = MasterKey::load_or_create(folder.join("a/b"), &SystemEntropy);
        assert!(matches!(nowhere, Err(MasterKeyFileError::Io(_))));
        fs::remove_dir_all(folder).unwrap();
    }
}
