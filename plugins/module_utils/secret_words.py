# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of generated passphrases.

Short, common, easy to tell apart and to type; eight bits of chance each.
"""

from __future__ import annotations

WORDS = tuple(
    """
    acorn actor adapt album alley amber angle apple apron arena arrow atlas attic autumn bacon badge baker
    balcony bamboo banjo barrel basil basket beach beaver bench berry bicycle bishop blanket blossom bottle
    branch bread breeze brick bridge bronze brush bubble bucket butter button cabin cactus camel candle canvas
    canyon carbon carpet carrot castle cedar cello chalk cherry chimney cinema circle citrus cliff clock cloud
    clover cobalt coconut comet compass copper coral cotton cousin cradle crayon cricket crystal cushion dancer
    desert diamond dinner doctor dolphin donkey dragon drawer eagle earth easel echo elbow ember engine envelope
    fabric falcon feather fennel fiddle finger flame flute forest fossil fountain fridge frost galaxy garden
    garlic giant ginger glacier glove goblet granite grape guitar hammer harbor harvest hazel helmet hermit
    honey horizon iceberg igloo island ivory jacket jaguar jasmine jelly jewel jungle kayak kettle kitten ladder
    lagoon lantern laurel lemon leopard lettuce library lilac lobster locket lotus magnet mango maple marble
    meadow melon meteor mirror mitten monkey mosaic mountain muffin museum mustard napkin nectar needle nickel
    noodle nutmeg oasis ocean olive onion orange orbit orchard otter oyster paddle palace pancake panther paper
    parrot peanut pebble pelican pencil pepper piano pigeon pillow pirate planet plum pocket polar poppy potato
    prairie pumpkin puzzle quartz rabbit radish raft rainbow raven ribbon river robin rocket saddle saffron
    salmon sandal sapphire saturn scarf shadow shovel silver sketch sparrow spider spinach squirrel stable
    summer sunset swallow tailor teapot temple thistle thunder ticket tiger timber tomato trumpet tulip tunnel
    turtle umbrella valley vanilla velvet violin walnut willow window winter zebra
    """.split()  # noqa: SIM905 (a list of one word a line would be no easier to read)
)
