"""Priors on the Hugging Face Hub, by addresses ``hf://owner/name@revision/file``."""

import re
from pathlib import Path
from urllib.parse import unquote

from invdiff.errors import InputError

SCHEME = "hf://"
DEFAULT_FILE = "prior.safetensors"
_ADDRESS = re.compile(r"hf://(?P<owner>[^/@]+)/(?P<name>[^/@]+)(?:@(?P<revision>[^/@]+))?(?:/(?P<file>.+))?")


def download(address: str) -> Path:
    """The local copy of a file on the hub, downloaded where there is none yet.

    Args:
        address: ``hf://owner/name``, with ``@revision`` (a branch, tag or commit; a slash in it is written ``%2F``)
            and ``/path/of/file`` (by default ``prior.safetensors``) where wanted.

    Raises:
        InputError: huggingface_hub isn't installed; no such address, repository, revision or file; or the hub doesn't
            answer and there is no copy.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or ".." in (match["file"] or "").split("/"):
        raise InputError(
            f"{address} is no address on the hub; write hf://owner/name, with @revision and /file where wanted."
        )
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import (
            EntryNotFoundError,
            GatedRepoError,
            HFValidationError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )
    except ImportError as error:
        raise InputError(f"{address} needs huggingface_hub: pip install 'invdiff[hub]'.") from error
    repository, file = f"{match['owner']}/{match['name']}", match["file"] or DEFAULT_FILE
    revision = unquote(match["revision"]) if match["revision"] else None
    try:
        return Path(hf_hub_download(repository, file, revision=revision))
    except HFValidationError as error:
        raise InputError(f"{address} is no address on the hub: {_line(error)}") from error
    except GatedRepoError as error:
        raise InputError(f"{address} is for people who accept its terms; do so on the hub and log in.") from error
    except RepositoryNotFoundError as error:
        raise InputError(f"There is no {repository} on the hub, or it is private and needs a login.") from error
    except RevisionNotFoundError as error:
        raise InputError(f"{repository} on the hub has no revision {revision}.") from error
    except LocalEntryNotFoundError as error:
        raise InputError(f"{address} isn't on this computer, and the hub doesn't answer.") from error
    except EntryNotFoundError as error:
        raise InputError(f"{repository} on the hub has no file {file}; name one: hf://{repository}/FILE.") from error
    except Exception as error:  # the transports underneath raise errors of their own
        raise InputError(f"{address} can't be downloaded: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
