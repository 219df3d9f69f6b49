"""All kinds of input by their names."""

from tests.fuzz.kinds.cases import Cases
from tests.fuzz.kinds.index import Index
from tests.fuzz.kinds.manifests import Manifests
from tests.fuzz.kinds.overrides import Overrides
from tests.fuzz.kinds.pictures import Pictures
from tests.fuzz.kinds.runs import Runs
from tests.fuzz.kinds.videos import Videos
from tests.fuzz.kinds.weights import Weights

KINDS = {
    "weights": Weights,
    "pictures": Pictures,
    "videos": Videos,
    "manifests": Manifests,
    "cases": Cases,
    "runs": Runs,
    "index": Index,
    "overrides": Overrides,
}
