from typing import Final

from caskmcp.api import Project as Project
from caskmcp.api import admit as admit
from caskmcp.api import build as build
from caskmcp.api import open_project as open_project
from caskmcp.api import serve as serve
from caskmcp.errors import CaskError as CaskError
from caskmcp.errors import Exit as Exit
from caskmcp.model.finding import Report as Report
from caskmcp.model.pack import AdmittedPack as AdmittedPack

__version__: Final[str]
