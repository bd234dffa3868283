"""The words the model learns: ten styles and sixteen kinds of light in many phrasings, plain
photographs, and noise.

`GALLERY` is the table of `config/styles.toml`, word for word. `UNSEEN` is never trained on; it
tells whether the text encoder learned words or sentences. Prompts are lower-cased by the tokenizer.
"""

from __future__ import annotations

import numpy as np

from .dataset import PHOTO, STYLES, Random

GALLERY: dict[str, str] = {
    "oil": "oil painting style, masterpiece, highly detailed",
    "watercolor": "watercolor painting, soft brushstrokes, artistic, beautiful colors",
    "pencil": "pencil sketch, detailed line art, cross-hatching, artistic",
    "cyberpunk": "cyberpunk neon city, futuristic, glowing lights, sci-fi",
    "anime": "studio ghibli anime style, beautiful landscape, fantasy",
    "hdr": "photorealistic HDR photograph, dramatic lighting, sharp detail",
    "impressionist": "impressionist painting, Monet style, soft light, garden scene",
    "dark fantasy": "dark fantasy art, dramatic chiaroscuro, gothic atmosphere",
    "ukiyo-e": "ukiyo-e Japanese woodblock print style, bold lines, flat colors",
    "pop art": "pop art style, bold colors, comic book aesthetic, Roy Lichtenstein",
}

PHRASINGS: dict[str, tuple[str, ...]] = {
    "oil": (
        "oil", "oil painting", "an oil painting", "oil painting on canvas, thick brush strokes",
        "oil on canvas", "classical oil portrait", "rembrandt", "rembrandt style oil painting",
        "impasto oil on canvas", "old master painting", "renaissance oil painting",
        "baroque oil painting, warm light", "painted in oils", "oil paint, heavy impasto",
        "thick oil paint, visible brush strokes", "museum oil painting, varnished canvas",
        "caravaggio, oil on canvas", "oil portrait by vermeer", "traditional oil painting",
        "golden old master portrait", "oil colours on linen", "dutch golden age painting",
        "a portrait in oil, leonardo da vinci", "classic painting, oil, canvas texture",
    ),
    "watercolor": (
        "watercolor", "watercolour", "a watercolor painting", "watercolor painting",
        "soft watercolour on paper", "aquarelle", "aquarelle, pale wash",
        "delicate watercolor illustration", "watercolor wash, light colors", "watercolor sketch",
        "wet on wet watercolor", "loose watercolor, bleeding pigments", "water colours",
        "watercolor on white paper", "pale watercolor portrait", "gouache and watercolor",
        "transparent washes of colour", "watercolour painting, soft edges",
        "light aquarelle painting",
        "watercolor art, splashes, soft colors", "ink and watercolor wash",
        "soft washes, watercolor paper", "dreamy watercolor",
    ),
    "pencil": (
        "pencil", "a pencil sketch", "pencil drawing", "pencil drawing, graphite on paper",
        "black and white sketch", "hand drawn charcoal sketch", "graphite drawing, fine lines",
        "charcoal", "charcoal drawing", "sketch", "line art", "cross-hatching",
        "cross hatched pencil drawing", "monochrome sketch", "pen and ink sketch",
        "drawing with pencil, shading", "rough sketch, hatching", "detailed graphite portrait",
        "sketchbook drawing", "crayon drawing, black and white", "lead pencil line drawing",
        "a drawing", "ink drawing, hatching", "pencil portrait on white paper",
    ),
    "cyberpunk": (
        "cyberpunk", "cyberpunk neon", "neon", "neon lights, cyberpunk city at night",
        "neon lights",
        "futuristic neon glow, magenta and cyan", "synthwave, glowing edges", "synthwave",
        "blade runner", "blade runner cyberpunk, sci-fi", "cyber city, neon signs", "vaporwave",
        "futuristic city", "sci-fi, glowing neon", "tron, glowing lines", "retrowave neon",
        "night city, neon glow", "hologram, glowing lights", "cyborg, neon, science fiction",
        "purple and blue neon light", "electric neon portrait", "futuristic cyber punk style",
        "tokyo at night, neon", "glowing lights, future",
    ),
    "anime": (
        "anime", "anime style", "anime style, cel shading", "cartoon", "cartoon, cel shaded",
        "studio ghibli", "studio ghibli anime style", "manga", "manga cartoon, clean lines",
        "ghibli", "cel shaded animation", "japanese animation", "miyazaki", "animated film still",
        "anime character", "anime girl", "anime boy", "makoto shinkai",
        "cartoon style, bright colors",
        "animation, cel shading, vivid", "toon shading", "cartoon portrait",
        "hand drawn animation frame", "anime key visual",
    ),
    "hdr": (
        "hdr", "hdr photo", "hdr photography", "hdr photography, high detail",
        "high dynamic range", "sharp detailed photo, vivid", "hyperrealistic, ultra detailed",
        "high dynamic range, detailed photograph", "photorealistic hdr", "hdr photograph",
        "tone mapped photograph", "hyper realistic photograph, dramatic lighting",
        "dramatic lighting, sharp detail", "ultra sharp photo, 8k", "8k uhd, sharp focus",
        "cinematic photo, teal and orange", "photorealistic, high contrast, crisp detail",
        "professional hdr portrait, dramatic light", "ultra detailed photograph",
        "tone mapping, vivid details", "dramatic hdr", "hyperrealism",
        "photorealistic render, sharp",
    ),
    "impressionist": (
        "impressionist", "impressionist painting", "impressionism", "monet", "claude monet",
        "claude monet impressionism", "van gogh", "van gogh style painting, swirling brush strokes",
        "post-impressionist painting, vivid strokes", "starry night van gogh", "renoir",
        "monet garden, soft light", "short brush strokes, dappled light", "pissarro painting",
        "plein air painting, broken color", "impressionist portrait", "degas",
        "water lilies by monet",
        "pointillism, seurat", "painting by auguste renoir", "impressionistic, dabs of color",
        "sunlit garden, impressionist", "monet style",
    ),
    "dark fantasy": (
        "dark fantasy", "dark fantasy art", "dark fantasy, gloomy gothic atmosphere", "gothic",
        "grim medieval fantasy, moody", "horror, dark and eerie", "gothic dark moody painting",
        "gothic atmosphere", "chiaroscuro, dark shadows", "dark souls", "gloomy, sinister, shadows",
        "vampire, dark castle", "dark fairy tale", "grimdark", "eerie dark fantasy portrait",
        "haunted, dark, gothic", "dramatic chiaroscuro", "nightmare, horror",
        "diablo, dark fantasy",
        "moody dark art", "black and ember, demonic", "dark wizard, gothic fantasy",
        "lovecraft, dark horror",
    ),
    "ukiyo-e": (
        "ukiyo-e", "ukiyo-e woodblock print", "ukiyoe", "japanese woodblock print, hokusai",
        "japanese woodblock print", "edo period print, flat colors, ink lines", "hokusai",
        "hokusai style print", "traditional japanese print", "woodblock print", "woodcut",
        "hiroshige", "hiroshige landscape print", "japanese print, prussian blue",
        "ukiyo e, bold outlines", "utamaro portrait", "edo japan print", "the great wave, hokusai",
        "old japanese woodcut", "woodblock, flat inks on washi paper",
        "kabuki actor print, sharaku",
        "ukiyo-e portrait", "japanese art print, bold lines",
    ),
    "pop art": (
        "pop art", "pop art style", "pop art comic, halftone dots", "andy warhol",
        "andy warhol style screen print", "comic book halftone, bold colors", "comic book",
        "roy lichtenstein pop art", "lichtenstein", "roy lichtenstein", "warhol", "ben-day dots",
        "screen print, bold colors", "pop-art portrait", "comic strip, halftone", "halftone dots",
        "bold primary colors, comic", "vintage comic panel", "retro comic book art",
        "pop art poster", "silkscreen print, warhol", "comics, thick outlines, dots",
        "60s pop art", "marvel comic book style",
    ),
    PHOTO: (
        "", "photo", "a photo", "photograph", "natural photograph", "realistic photo, no filter",
        "a photo of a person", "webcam", "webcam picture", "no style", "original", "plain photo",
        "natural light photo", "unfiltered photograph", "normal", "real life", "camera",
        "a plain photograph of a room", "snapshot", "everyday photo", "nothing", "natural",
        "ordinary webcam video", "none",
    ),
}  # fmt: skip

# Phrases of light and palette; they follow or precede those of a style, or stand alone.
LIGHT_PHRASINGS: dict[str, tuple[str, ...]] = {
    "autumn": (
        "autumn", "autumn evening", "in autumn", "autumn colors", "fall colors", "autumn leaves",
        "october light", "autumn palette, rust and ochre", "an autumn day", "fall foliage",
    ),
    "winter": (
        "winter", "in winter", "snow", "winter morning", "snowy", "cold winter light", "frost",
        "icy", "winter palette", "snowfall", "a cold winter day",
    ),
    "spring": (
        "spring", "in spring", "spring morning", "fresh spring green", "spring blossom",
        "may light", "spring colors", "a spring day", "springtime",
    ),
    "night": (
        "night", "at night", "moonlight", "midnight", "by night", "moonlit night",
        "dark blue night", "under the moon", "in the moonlight", "night time",
    ),
    "golden hour": (
        "golden hour", "golden light", "golden hour light", "warm evening sun", "low sun",
        "golden sunlight", "at golden hour", "golden afternoon", "honey light",
    ),
    "sunset": (
        "sunset", "at sunset", "dusk", "twilight", "afterglow", "pink and orange sky", "sundown",
        "sunset colors", "evening glow", "at dusk",
    ),
    "candlelight": (
        "candlelight", "by candlelight", "candle lit", "lit by a candle", "firelight",
        "fireside", "lit by fire", "warm candle light", "by the fire",
    ),
    "fog": (
        "fog", "mist", "in fog", "foggy", "misty", "in the mist", "hazy", "foggy morning", "haze",
    ),
    "storm": (
        "storm", "stormy", "before the storm", "thunderstorm", "overcast", "rainy day",
        "stormy sky", "heavy clouds", "dark clouds", "rain",
    ),
    "underwater": (
        "underwater", "under water", "undersea", "turquoise light", "in the sea", "deep sea",
        "teal underwater light", "aquarium light", "ocean light",
    ),
    "neon": (
        "in neon light", "lit by neon", "neon lighting", "neon colors", "magenta and cyan light",
        "neon palette", "under neon tubes", "neon lit",
    ),
    "sepia": (
        "sepia", "sepia tone", "sepia tones", "in sepia", "brown tones", "sepia toned", "old sepia",
        "brown monochrome",
    ),
    "monochrome": (
        "monochrome", "black and white", "in black and white", "grayscale", "greyscale",
        "in shades of grey", "noir", "without color", "film noir",
    ),
    "pastel": (
        "pastel", "pastel colors", "pastel palette", "in pastel tones", "soft pastel colors",
        "powdery colors", "pastel shades", "candy colors", "pale pastel",
    ),
    "vivid": (
        "vivid", "vivid colors", "saturated colors", "vibrant", "vibrant colors", "colorful",
        "intense colors", "bright saturated palette", "high saturation",
    ),
    "vintage": (
        "vintage", "faded", "vintage colors", "faded colors", "retro film", "faded print",
        "old film", "seventies photo", "faded vintage palette", "polaroid",
    ),
}  # fmt: skip
UNSEEN_LIGHT: dict[str, tuple[str, ...]] = {
    "autumn": ("late autumn afternoon", "colors of fall"),
    "winter": ("deep snow in winter", "an icy winter night"),
    "spring": ("green of spring", "first day of spring"),
    "night": ("late at night", "moonlight from a window"),
    "golden hour": ("golden evening light", "the golden hour before dinner"),
    "sunset": ("red sunset sky", "dusk over the city"),
    "candlelight": ("in the light of a candle", "candlelight dinner"),
    "fog": ("thick fog", "a misty morning"),
    "storm": ("a storm is coming", "stormy weather"),
    "underwater": ("deep underwater", "an underwater world"),
    "neon": ("bathed in neon light", "neon lighting at a bar"),
    "sepia": ("a sepia photograph", "warm sepia"),
    "monochrome": ("classic black and white", "all in monochrome"),
    "pastel": ("gentle pastel colors", "pastel pink and blue"),
    "vivid": ("very vivid colors", "vibrant and colorful"),
    "vintage": ("vintage, faded", "a faded old print"),
}  # fmt: skip

UNSEEN: dict[str, tuple[str, ...]] = {
    "oil": (
        "portrait painted in oil", "an old oil painting of my family",
        "oil paint portrait, rembrandt",
        "thick impasto brushwork on canvas", "baroque master, oil on linen",
    ),
    "watercolor": (
        "watercolour of a garden", "my face as a watercolor", "pastel aquarelle of a city",
        "loose watercolor splashes", "a soft wash of watercolour on paper",
    ),
    "pencil": (
        "a pencil drawing of a woman smiling", "quick charcoal sketch", "graphite portrait",
        "black and white line drawing", "hatching with a soft pencil",
    ),
    "cyberpunk": (
        "night city with neon", "me in blade runner", "glowing neon hologram portrait",
        "sci-fi city in cyan and magenta", "synthwave sunset, neon glow",
    ),
    "anime": (
        "cartoon character", "like a ghibli film", "me as an anime hero",
        "manga style with cel shading", "a frame of japanese animation",
    ),
    "hdr": (
        "hdr picture of my office", "ultra sharp hdr", "tone mapped hdr portrait",
        "hyperrealistic photograph, crisp and vivid", "high dynamic range, very sharp detail",
    ),
    "impressionist": (
        "a painting by monet", "van gogh self portrait", "impressionist garden in the sun",
        "dappled light in the style of renoir", "french impressionism, broken color",
    ),
    "dark fantasy": (
        "gothic horror castle", "a dark fantasy hero", "sinister gothic portrait",
        "moody grimdark atmosphere", "eerie chiaroscuro, vampire",
    ),
    "ukiyo-e": (
        "hokusai wave", "a japanese woodblock of mount fuji", "woodcut by hiroshige",
        "edo print with bold lines", "ukiyo-e geisha",
    ),
    "pop art": (
        "warhol soup can", "lichtenstein comic, crying girl", "comic book panel with halftone",
        "bold pop art poster of a cat", "retro screen print with dots",
    ),
}  # fmt: skip

SUBJECTS = (
    "a man", "a woman", "a person", "portrait of a person", "a face", "my face", "a cat", "a dog",
    "a city street", "a person at a desk", "selfie", "a landscape", "a room", "me", "my office",
    "a smiling woman", "an old man", "a girl with glasses", "a house", "flowers", "a hero",
    "a garden", "a family", "a mountain", "the sea", "a castle", "my room", "two people talking",
)  # fmt: skip
ORNAMENTS = (
    "masterpiece", "best quality", "highly detailed", "beautiful", "artistic",
    "trending on artstation",
    "4k", "award winning", "stunning", "intricate", "beautiful colors", "soft light", "elegant",
    "detailed", "professional", "high quality",
)  # fmt: skip
TEMPLATES = (
    "{style}", "{style}", "{style}", "{subject}, {style}", "{style} of {subject}",
    "{subject} in the style of {style}", "{subject} as {style}", "{style}, {ornament}",
    "{ornament}, {style}", "{style}, {ornament}, {ornament}", "{subject}, {style}, {ornament}",
    "beautiful {style}", "{style} with {subject}", "like {style}", "in {style} style",
)  # fmt: skip


# First letters of scripts that the model does not read, each with 60 letters of its own.
_SCRIPTS = (0x0391, 0x0410, 0x05D0, 0x0627, 0x0905, 0x3042, 0x30A2, 0x4E00, 0x6CB9, 0x7D75, 0xAC00)


def _gibberish(random: Random) -> str:
    """A word that means nothing here: letters, another script, or a style's word misspelt."""
    kind = random.random()
    if kind < 0.15:
        first = int(random.choice(_SCRIPTS))
        return "".join(chr(first + n) for n in random.integers(0, 60, int(random.integers(1, 6))))
    if kind < 0.35:
        word = str(random.choice([name for name in STYLES if len(name) > 4]))
        place = int(random.integers(1, len(word) - 2))
        swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        return str(random.choice([swapped, word[:place] + word[place + 1 :], word + word[-1]]))
    letters = list("abcdefghijklmnopqrstuvwxyz")
    return "".join(random.choice(letters, int(random.integers(3, 10))))


def _say(template: str, style: str, random: Random) -> str:
    subject, ornament = random.choice(SUBJECTS), random.choice(ORNAMENTS)
    return template.format(style=style, subject=subject, ornament=ornament).strip(" ,")


def plain_prompt(random: Random) -> str:
    """Words that ask for no style: photographs, bare subjects and ornaments, unknown words."""
    kind = random.random()
    if kind < 0.35:
        return str(random.choice(PHRASINGS[PHOTO]))
    if kind < 0.5:
        return _say(
            str(random.choice(TEMPLATES)), str(random.choice(PHRASINGS[PHOTO][1:8])), random
        )
    if kind < 0.65:
        return str(random.choice(SUBJECTS))
    if kind < 0.75:
        return f"{random.choice(SUBJECTS)}, {random.choice(ORNAMENTS)}"
    return " ".join(_gibberish(random) for _ in range(int(random.integers(1, 4))))


LIGHT_TEMPLATES = (
    "{style}, {light}", "{style}, {light}", "{style}, {light}", "{light}, {style}",
    "{style}, {light}, {ornament}", "{light} {style}", "{style} {light}",
    "{style}, {subject}, {light}",
)  # fmt: skip


def training_prompt(style: str, random: Random, light: str | None = None) -> str:
    """A random wording of a style (of no style for `photo`), and of a light if one is given; never
    one of `UNSEEN`."""
    if light is None:
        return plain_prompt(random) if style == PHOTO else _style_prompt(style, random)
    phrase = str(random.choice(LIGHT_PHRASINGS[light]))
    if style == PHOTO:
        kind = random.random()
        if kind < 0.4:
            return phrase
        words = str(random.choice(PHRASINGS[PHOTO][1:8] if kind < 0.7 else SUBJECTS))
    elif random.random() < 0.4:
        words = str(random.choice(PHRASINGS[style]))
    else:
        words = _style_prompt(style, random)
    template = str(random.choice(LIGHT_TEMPLATES))
    subject, ornament = random.choice(SUBJECTS), random.choice(ORNAMENTS)
    return template.format(style=words, light=phrase, subject=subject, ornament=ornament)


def _style_prompt(style: str, random: Random) -> str:
    if random.random() < 0.15:
        return GALLERY[style]
    while True:
        words = str(random.choice(PHRASINGS[style]))
        template = "{style}" if random.random() < 0.3 else str(random.choice(TEMPLATES))
        prompt = _say(template, words, random)
        if random.random() < 0.1:  # one phrasing after another
            prompt += ", " + str(random.choice(PHRASINGS[style]))
        if random.random() < 0.12:
            prompt += " " + _gibberish(random)
        if prompt not in UNSEEN[style]:
            return prompt


def corpus(seed: int, prompts: int = 500) -> list[str]:
    """What the tokenizer's merges are learned from."""
    random = np.random.default_rng(seed)
    styles = (*STYLES, PHOTO)
    lines = [training_prompt(style, random) for style in styles for _ in range(prompts)]
    lights = tuple(LIGHT_PHRASINGS)
    lines += [training_prompt(str(random.choice(styles)), random, light) for light in lights * 50]
    # Every phrase often enough to become whole words.
    lines += [*GALLERY.values(), *SUBJECTS, *ORNAMENTS] * 20
    for table in (PHRASINGS, LIGHT_PHRASINGS):
        lines += [phrase for phrases in table.values() for phrase in phrases] * 10
    return lines
