from dataclasses import replace

import numpy as np
import pytest

from drawing import faces
from drawing.brush import bump, coverage, linear, over, rows_between
from drawing.camera import CAMERAS
from drawing.features import paint_brows, paint_eyes
from drawing.head import View, pixel_grid, see_skull, to_camera
from drawing.people import BEARDLESS, UNITS, Expression, draw_expression, draw_person
from drawing.skin import corner_height, dimmed, mouth_curves, paint_beard


@pytest.fixture
def person():
    return faces.person_of(4)


def canvas():
    axis = np.linspace(-1, 1, 200, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    return np.ones((3, 200, 200), np.float32), x, y


def test_a_seed_decides_the_whole_picture():
    first = faces.draw_face("happy", seed=(3, 1), size=64)
    assert first.dtype == np.uint8
    assert first.shape == (64, 64, 3)
    np.testing.assert_array_equal(first, faces.draw_face("happy", seed=(3, 1), size=64))
    assert (first != faces.draw_face("happy", seed=(3, 2), size=64)).mean() > 0.5


def test_expression_and_camera_leave_the_person_alone(person):
    assert faces.person_of(4) == person
    same = faces.draw_face("angry", seed=4, person=person)
    np.testing.assert_array_equal(same, faces.draw_face("angry", seed=4))


@pytest.mark.parametrize("expression", faces.EXPRESSIONS)
@pytest.mark.parametrize("camera", CAMERAS)
def test_every_expression_fills_the_frame_with_tones(expression, camera):
    picture = faces.draw_face(expression, seed=1, size=48, camera=camera)
    assert 40 < picture.mean() < 200
    assert picture.std() > 15


@pytest.mark.parametrize(("arguments", "named"), [
    ({"expression": "bored"}, "'bored'"),
    ({"expression": "happy", "camera": "x-ray"}, "'x-ray'"),
    ({"expression": "happy", "size": 500}, "500"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        faces.draw_face(**arguments)


def test_coverage_and_bump_have_their_known_values():
    distance = np.array([-1.0, 0.0, 1.0])
    np.testing.assert_allclose(coverage(distance), [1, 0.5, 0])
    hill = bump(np.array([0.0, 0.5]), np.array([0.0, 0.0]), 0.5, 1)
    np.testing.assert_allclose(hill, [1, np.exp(-1)])


def test_a_layer_covers_by_its_alpha():
    picture = np.zeros((3, 2, 2), np.float32)
    over(picture, (1.0, 0.5, 0.0), np.array([[0, 1], [0.5, 0]], np.float32))
    np.testing.assert_allclose(picture[:, 0, 1], [1, 0.5, 0])
    np.testing.assert_allclose(picture[:, 1, 0], [0.5, 0.25, 0])
    np.testing.assert_allclose(linear((255, 0, 255)).ravel(), [1, 0, 1])


def test_rows_between_finds_the_band():
    y = np.array([[0.0], [1.0], [2.0], [3.0]])
    assert rows_between(y, 0.5, 2.5) == slice(1, 3)
    assert rows_between(y, 8, 9) == slice(0, 0)


def test_smile_lifts_the_corners_and_sadness_drops_them(person):
    x = np.linspace(-0.6, 0.6, 121)
    corner = {}
    for name, units in (("rest", {}), ("smile", {"au12": 1}), ("sad", {"au15": 1})):
        curve = mouth_curves(x, person, Expression(units))
        at_corner = np.argmin(np.abs(x - curve["wide"]))
        corner[name] = curve["upper"][at_corner]
    assert corner["smile"] < corner["rest"] - 0.08  # y runs down
    assert corner["sad"] > corner["rest"] + 0.08


def test_parted_lips_open_a_gap(person):
    x = np.zeros(1)
    closed = mouth_curves(x, person, Expression({}))
    opened = mouth_curves(x, person, Expression({"au25": 1}))
    assert closed["lower"][0] == pytest.approx(closed["upper"][0])
    assert opened["lower"][0] - opened["upper"][0] == pytest.approx(0.085)


def test_brow_lowerer_lowers_the_inner_brow(person):
    heights = []
    for strength in (0.0, 1.0):
        skin, x, y = canvas()
        face = Expression({"au4": strength})
        paint_brows(skin, x, y, person, face, np.random.default_rng(0))
        ink = (1 - skin.mean(axis=0)) * (np.abs(x) < 0.25)
        heights.append((ink * y).sum() / ink.sum())
    assert heights[1] - heights[0] > 0.1


def test_the_irises_follow_the_gaze(person):
    places = []
    for gaze in (-0.4, 0.4):
        skin, x, y = canvas()
        face = Expression({}, gaze=(gaze, 0.0))
        paint_eyes(skin, x, y, person, face, np.random.default_rng(0))
        left = np.abs(x + person.eye_apart) < person.eye * 0.95
        pupil = (skin.max(axis=0) < 0.03) & left & (np.abs(y + 0.09) < 0.03)
        places.append(x[pupil].mean())
    assert places[1] - places[0] > 0.4 * person.eye


def test_the_skull_faces_the_camera_in_its_middle():
    view = View()
    u, v = pixel_grid(view)
    skull = see_skull(u, v, view, width=0.8, jaw=0.0)
    length = np.sqrt(sum(part**2 for part in skull.normal))
    np.testing.assert_allclose(length, 1, atol=1e-3)
    nearest = np.unravel_index(skull.z.argmax(), skull.z.shape)
    assert skull.normal[2][nearest] == pytest.approx(1, abs=1e-3)
    assert skull.z.max() == pytest.approx(0.95, abs=1e-3)
    assert skull.outside[nearest] < 0 < skull.outside[-1, 0]


def test_yaw_and_pitch_carry_the_nose_along():
    assert to_camera(View(yaw=0.3), 0.0, 0.0, 1.0)[0] == pytest.approx(np.sin(0.3))
    assert to_camera(View(pitch=0.3), 0.0, 0.0, 1.0)[1] == pytest.approx(np.sin(0.3))


def test_the_webcam_is_cooler_and_flatter_than_the_album():
    def shots(camera):
        drawn = [faces.draw_face("neutral", seed=s, camera=camera) for s in range(12)]
        return np.stack(drawn).astype(float)

    album, webcam = shots("album"), shots("webcam")
    warmth = [(shot[..., 0] - shot[..., 2]).mean() for shot in (album, webcam)]
    assert warmth[0] > warmth[1] + 10
    assert album.std(axis=(1, 2, 3)).mean() > webcam.std(axis=(1, 2, 3)).mean() + 5


def test_expressions_stay_within_their_units():
    rng = np.random.default_rng(0)
    happy = [draw_expression(rng, "happy", 1.0) for _ in range(50)]
    neutral = [draw_expression(rng, "neutral", 1.0) for _ in range(50)]
    assert min(face.au12 for face in happy) >= UNITS["happy"]["au12"][0]
    assert np.mean([face.au12 for face in neutral]) < 0.15
    assert not any(face.hand for face in happy + neutral)
    thinking = [draw_expression(rng, "thinking", 1.0) for _ in range(50)]
    assert 8 < sum(face.hand != 0 for face in thinking) < 35


def test_people_are_mixed_and_plausible():
    rng = np.random.default_rng(0)
    people = [draw_person(rng) for _ in range(400)]
    glasses = np.mean([one.attributes["glasses"] == "yes" for one in people])
    assert 0.17 < glasses < 0.32
    assert {one.skin_tone for one in people} == {"light", "medium", "dark"}
    assert not any(one.beard for one in people if one.hair in BEARDLESS)


def test_a_moustache_leaves_the_corners_of_a_smile_bare(person):
    beard = replace(person, beard="full", stubble=0.0, hair_colour=(30, 30, 30))
    face = Expression({"au12": 1.0, "au25": 0.5})
    skin, x, y = canvas()
    paint_beard(skin, x, y, beard, face, np.random.default_rng(0))
    wide = mouth_curves(x, beard, face)["wide"]
    away = np.hypot(np.abs(x) - wide, y - corner_height(face))
    assert skin[:, away < 0.03].mean() > 0.9
    above_lip = (np.abs(x) < 0.1) & (np.abs(y - 0.51) < 0.03)
    assert skin[:, above_lip].min() < 0.3


def test_eye_whites_are_dimmer_on_dark_skin(person):
    light = replace(person, skin=(240, 200, 172))
    dark = replace(person, skin=(104, 68, 50))
    brightest = []
    for one in (light, dark):
        skin, x, y = canvas()
        skin[:] = linear(one.skin)
        paint_eyes(skin, x, y, one, Expression({}), np.random.default_rng(0))
        brightest.append(skin[1].max())
    assert brightest[1] < 0.65 * brightest[0]
    assert dimmed(light) == pytest.approx(1)
