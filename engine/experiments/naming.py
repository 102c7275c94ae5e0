"""Names of experiments: made up when nobody gives one, checked when somebody does.

A made-up name is an adjective of five letters and a noun of four, ``brave-lynx``: easy to say, easy to type, and
the shape that other readers of ``refs/exps`` know. Names are unique per baseline only.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from assay.engine.errors import Refused
from assay.engine.git.refnames import is_valid_experiment_name
from assay.engine.model import ExpRef, Oid
from assay.engine.ports import Ids

if TYPE_CHECKING:
    from assay.engine.git.refs import RefStore

_TRIES = 2_000

_ADJECTIVES = """
agate agile alert alive amber ample ashen awake aware azure baked balmy basic beige bland blond blunt bonny brave
brief briny brisk broad brown bumpy chewy chief civic civil clean clear close cocoa comfy coral cream crisp cubic
curly curvy cushy dandy dense dizzy dotty downy dried dusky dusty eager early ebony edged eight elder elfin empty
equal exact extra faded faint fancy feral ferny fiery fifth final first fixed fizzy flaky fleet fluid focal foggy
frank fresh funny furry fused fuzzy giant giddy grand great green grown gusty handy happy hardy hasty hazel heavy
hefty hilly hoary humid husky ideal inked inner ionic itchy ivory jazzy jolly juicy jumbo keyed khaki known laced
large leafy legal lemon level light lilac lined lithe local lofty loved loyal lucid lucky lunar lyric magic major
maple matte mauve merry milky minor minty misty mixed mocha modal mossy muddy muted natty naval nerdy nifty ninth
noble noisy north noted novel nutty oaken oaten ocean olden olive outer overt paced paper paved peach pearl peppy
perky piney pinky plaid plain plush polar prime prior proud puffy quick quiet quilt rapid ready reedy regal rigid
risky ritzy rocky roomy rough round rowdy royal ruddy ruled runic rural rusty sable salty sandy sappy sated satin
scaly seedy sepia seven shady sharp sheer shiny short showy silky silly sixth sleek slick small smart smoky snowy
sober solar solid sonic sooty sound south spare spicy spiky squat staid stark steep stern still stony stout suave
sugar sunny super sweet swift tacit tamed tangy tardy tasty taupe tawny tenth tepid terse thick third tidal tiled
timid tonal toned tonic topaz total tough tried tulip twiny ultra umber upper urban usual vague valid vital vivid
vocal waxen weedy wheat whole wider windy witty woody wooly wordy woven young zesty zingy zippy zonal
"""

_NOUNS = """
acre aloe apex aqua arch area atom aura band bank bard bark barn bass bath bead beam bean bear beet bell belt bend
bird boar boat bolt bond book boot bowl brew brim buck bulb bull buoy bush cafe cake calf camp cane cape card carp
cart case cask cave cell chef chip city clam clay clue coal coat coda code coil coin colt comb cone cook cord cork
corn cove crab crew crop crow cube dale dawn deck deer desk dial dice dime disk dock dodo dome door dove drum duck
dune dusk dust echo edge fair farm fawn fern film fire fish flag flax foam foil fold font ford fork fort frog fuel
fuse gate gear gift glow glue goat gold gong grid grip gulf gull hall halo hand hare harp hawk haze heap helm herb
hill home hook hoop horn hour hull ibex ibis idea inch iris iron isle item jade jazz joey kale kelp kiln king kite
kiwi knob knot lace lake lamb lamp land lane lark lava lawn leaf leek lens lift lily lime line link lion loaf lock
loft loom loon loop lore lute lynx mail mall mare mask mast maze meal mesh mile milk mill mine mink mint moat mode
mole moon moss moth mule nest newt node noon note oath oboe okra onyx opal oryx oven page pail palm park part path
peak pear pier pike pine pipe plan plot plum poem poet pole pond pony pool port post puma quay raft rail rain ramp
reed reef rice ring rink road robe rock roof rook room root rope rose ruby rush sage sail salt sand seal seam seat
seed shed ship shoe shop silk sink site snow soap sock sofa soil song soup spur stag star stem step suit surf swan
tale tank tape task taxi teal team tent tern text tide tile time toad toga tone tool tour town tree trio tuba tube
tuna tune twig vane vase veil vent verb view vine visa vole volt wall wand wasp wave well west whey wick wind wing
wire wisp wolf wood wren yard yarn yoke zebu zinc zone zoom
"""
ADJECTIVES = tuple(_ADJECTIVES.split())
NOUNS = tuple(_NOUNS.split())


def fresh(refs: RefStore, baseline: Oid, ids: Ids, taken: Collection[str] = ()) -> str:
    """A name that no experiment of the baseline has, as ``^[a-z]{5}-[a-z]{4}$``.

    Args:
        refs: Where experiments are looked for.
        baseline: The commit that it starts from.
        ids: The source of chance.
        taken: Names that are promised already.

    Raises:
        Refused: So many names are in use that no free one was met.
    """
    for _ in range(_TRIES):
        name = f"{ids.choose(ADJECTIVES)}-{ids.choose(NOUNS)}"
        if name not in taken and refs.read(ExpRef(baseline, name).refname) is None:
            return name
    raise Refused("No free name for the experiment was found.", "Give it one: `-n NAME`.")


def fresh_like(refs: RefStore, baseline: Oid, name: str) -> str:
    """The first of ``name-2``, ``name-3``, ... that no experiment of the baseline has."""
    number = 2
    while refs.read(ExpRef(baseline, f"{name}-{number}").refname) is not None:
        number += 1
    return f"{name}-{number}"


def problem_with(name: str) -> str:
    """Why an experiment cannot have this name, as the end of a sentence; empty when it can."""
    if not name:
        return "it is empty"
    if "/" in name:
        return "it has a '/'"
    if name.startswith("-"):
        return "it starts with '-', like an option"
    if not is_valid_experiment_name(name):
        return "Git allows no blanks, no '..', '@{', '.lock' at the end, and none of ~ ^ : ? * [ \\ in it"
    return ""
