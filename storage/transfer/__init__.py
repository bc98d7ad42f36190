"""Taking sessions along: out of a store into files, and out of files and databases, our own and others'."""

from storage.transfer.forms import Form, as_file, ending_of, file_name, media_type_of
from storage.transfer.meter import Meter
from storage.transfer.reading import Source, kind_of, read
from storage.transfer.recognise import Kind
from storage.transfer.report import Counting, Report
from storage.transfer.saving import check_name, form_in, form_of, save
from storage.transfer.taken import Fate, Stopped, Taken
from storage.transfer.talk import Broken, Talk
from storage.transfer.transfer import Transfer

__all__ = [
    "Broken",
    "Counting",
    "Fate",
    "Form",
    "Kind",
    "Meter",
    "Report",
    "Source",
    "Stopped",
    "Taken",
    "Talk",
    "Transfer",
    "as_file",
    "check_name",
    "ending_of",
    "file_name",
    "form_in",
    "form_of",
    "kind_of",
    "media_type_of",
    "read",
    "save",
]
